#!/bin/bash
# Fails when the verbs and flags that the program's --help shows differ from those in the man page,
# the shell completions and the two READMEs.
#   scripts/check_docs.sh PROGRAM
set -uo pipefail
program=$(realpath "$1")
cd "$(dirname "$0")/.." || exit
failed=0
complain() {
  echo "$1" >&2
  failed=1
}

verbs=$("$program" --help | awk '/^Subcommands:/ {on = 1; next} on && /^  [a-z]/ {print $1}')
[ -n "$verbs" ] || complain "$program --help shows no verbs"

flags_of_help() { "$program" "$1" --help | grep -E '^ +-' | grep -oE -- '(^| |,)--?[a-z][a-z0-9-]*' | tr -d ' ,' | sort -u; }
# The section of a verb: from its heading to the next one.
flags_of_man() {
  awk -v verb="$1" '/^\.SS /{on = ($2 == verb)} /^\.SH /{on = 0} on' docs/avocado.1 |
    sed 's/\\-/-/g; s/\\fB//g; s/\\fR//g' | awk '/^\.B[RI]? -/' | grep -oE -- '(^| |,|")--?[a-z][a-z0-9-]*' | tr -d ' ,"' | sort -u
}
flags_of_bash() { sed -n "s/^    $1) flags=\"\(.*\)\" ;;/\1/p" completions/avocado.bash | tr ' ' '\n' | sort -u; }
flags_of_zsh() {
  awk -v verb="$1" '/^local json/ {def = $0} $1 == verb")" {on = 1} on {print} on && /;;/ {exit}' completions/_avocado |
    sed 's/\$json/--json[/; s/\$threads/--threads[ --cpu-pin[/; s/\$cpu_pin/--cpu-pin[/; s/\$chunk/--chunk[/; s/\$lora/--lora[/; s/\$cache/--ctk[ --cache-type-k[ --ctv[ --cache-type-v[ --cache-hadamard[/; s/\$rope/--rope-scaling[ --rope-scale[ --rope-freq-scale[ --rope-freq-base[ --yarn-orig-ctx[ --yarn-ext-factor[ --yarn-attn-factor[ --yarn-beta-slow[ --yarn-beta-fast[/' | grep -oE -- "(^|[ '*])--?[a-z][a-z0-9-]*" | tr -d " '*" | sort -u
}

checked=0
for verb in $verbs; do
  want=$(flags_of_help "$verb" | grep -vxE -- '-h|--help')
  for where in man bash zsh; do
    have=$("flags_of_$where" "$verb" | grep -vxE -- '-h|--help')
    for flag in $(comm -23 <(echo "$want") <(echo "$have")); do complain "$verb $flag is missing from the $where file"; done
    for flag in $(comm -13 <(echo "$want") <(echo "$have")); do complain "$verb $flag in the $where file does not exist"; done
  done
  for file in README.md README.ja.md; do
    grep -q "^| \`$verb\` |" "$file" || complain "$verb is missing from the table of $file"
  done
  checked=$((checked + $(wc -w <<<"$want")))
done
for digest in $(grep -ohE '\b[0-9a-f]{64}\b' README.md README.ja.md | sort -u); do
  grep -q "$digest" src/cli/demo_recipe.cc || complain "the READMEs show $digest, which is not the recorded one"
done

links=0
while IFS=: read -r file link; do
  case $link in http*) continue ;; esac
  [ -e "$(dirname "$file")/$link" ] || complain "$file links to $link, which does not exist"
  links=$((links + 1))
done < <(for file in ./*.md docs/*.md docs/*/*.md; do
  awk -v file="$file" '/^```/ {code = !code} !code {
    while (match($0, /\]\([^)# ]+/)) { print file ":" substr($0, RSTART + 2, RLENGTH - 2); $0 = substr($0, RSTART + RLENGTH) }
  }' "$file"
done)
echo "docs: $links links; $(wc -w <<<"$verbs") verbs, $checked flags compared with man page, completions and READMEs"
exit $failed
