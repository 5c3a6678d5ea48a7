#!/bin/bash
# Records a chat as a terminal shows it: types into `avocado run` inside of tmux and writes what the
# screen and its history hold in the end. Needs tmux. The user's own history is left alone.
#   scripts/record_run.sh PROGRAM MODEL OUT [--styles]     --styles keeps the codes of bold and colour
set -euo pipefail
program=$(realpath "$1")
model=$(realpath "$2")
out=$(realpath "$3")
styles=()
[ "${4:-}" = --styles ] && styles=(-e)
command -v tmux >/dev/null || { echo "record_run: tmux is missing; on Debian: apt-get install tmux" >&2; exit 1; }

home=$(mktemp -d)
screen=(tmux -S "$home/tmux")
trap '"${screen[@]}" kill-server 2>/dev/null || true; rm -rf "$home"' EXIT
printf 'Dear diary,\ntoday the fox met a dog.\n' >"$home/notes.txt"

# A shell that stays when Ctrl-C is typed: the chat, and after it an answer about a piped file.
# shellcheck disable=SC2016  # it is that shell that expands $0 and $1
piped='cat notes.txt | "$0" run "$1" --seed 1 "What does it say?"'
"${screen[@]}" -u -f /dev/null new-session -d -x 100 -y 50 -c "$home" \
  env HOME="$home" XDG_STATE_HOME= XDG_DATA_HOME= \
  sh -c "trap : INT; \"\$0\" run \"\$1\" --seed 1; echo '\$ $piped'; $piped" "$program" "$model"
"${screen[@]}" set-option -g remain-on-exit on
"${screen[@]}" set-option -g history-limit 10000

shown() { "${screen[@]}" capture-pane -p -S -; }
# Until the last line is a fresh prompt.
to_prompt() {
  for _ in $(seq 600); do
    [ "$(shown | sed '/^$/d' | tail -n 1)" = ">" ] && return
    sleep 0.1
  done
  echo "record_run: no prompt after a minute" >&2
  shown >&2
  exit 1
}
keys() { "${screen[@]}" send-keys "$@"; }
line() {
  to_prompt
  keys -l "$1"
  keys Enter
  sleep 0.3
}

line '/?'
line '/show info'
line '/show template'
line '/set think'
line '/set nothink'
line '/set format json'
line '/set noformat'
line '/set wordwrap'
line '/set nowordwrap'
line '/set history'
line '/set nohistory'
line '/set system You are a small model.'
line '/set parameter temperature 0.7'
line '/set verbose'
line 'What is 47 + 38?'
line '47 + 38 は？'
line '"""'
keys -l 'What is'
keys Enter
keys -l '12 + 5?"""'
keys Enter
sleep 0.3
line 'What does ./notes.txt say?'
line '/set parametr seed 2'
line '/bey'
for setting in 'temperature 100' 'top_k 0' 'top_p 1' 'min_p 0'; do line "/set parameter $setting"; done
to_prompt
keys -l 'Tell me a story.'
keys Enter
sleep 0.4
keys C-c
line '/save first'
line '/clear'
line '/show messages'
line '/set quiet'
line '/show parameters'
line '/load first'
to_prompt
keys -l '/set sys'
keys Tab
keys -l 'Be 日本人'
keys BSpace
keys -l '語.'
keys Enter
sleep 0.3
line '/show system'
to_prompt
keys -l 'this line is cleared'
keys C-c
line '/bye'
sleep 1
"${screen[@]}" capture-pane -p -S - "${styles[@]}" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >"$out"
echo "recorded $(wc -l <"$out") lines in $out"
