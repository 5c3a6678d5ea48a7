# bash completion for avocado
_avocado() {
  local current=${COMP_WORDS[COMP_CWORD]}
  local verbs="demo corpus quantize run show tokenize template logits perplexity train verify report receipt merge bench cache doctor"
  local verb=${COMP_WORDS[1]} flags
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "$verbs --help --version" -- "$current")
    return
  fi
  case $verb in
    demo) flags="--threads --cpu-pin --quick --out --json" ;;
    corpus) flags="--set -o --out --documents --held-out --seed --ask --questions --threads --cpu-pin --json" ;;
    quantize) flags="-o --out --type --threads --cpu-pin --json" ;;
    run) flags="-n --samplers --sampler-seq --sampling-seq -s --seed --temp --temperature --dynatemp-range --dynatemp-exp --top-k --top-p --min-p --typical --typical-p --top-nsigma --top-n-sigma --xtc-probability --xtc-threshold --min-keep --mirostat --mirostat-ent --mirostat-lr --adaptive-target --adaptive-decay --repeat-last-n --repeat-penalty --frequency-penalty --presence-penalty --dry-multiplier --dry-base --dry-allowed-length --dry-penalty-last-n --dry-sequence-breaker -l --logit-bias --ignore-eos --banned-string -r --stop --reverse-prompt --n-probs --post-sampling-probs --ctx --system --now --think --no-think --thinking-budget --tools --tool-choice --overflow --context-shift --keep -j --json-schema --json-schema-file --grammar --grammar-file --draft --model-draft --draft-max --no-draft --raw --file --template --hide-thinking --no-markdown --verbose --threads --cpu-pin --chunk --ctk --cache-type-k --ctv --cache-type-v --cache-hadamard --rope-scaling --rope-scale --rope-freq-scale --rope-freq-base --yarn-orig-ctx --yarn-ext-factor --yarn-attn-factor --yarn-beta-slow --yarn-beta-fast --lora --json" ;;
    show) flags="--metadata --tensors --json" ;;
    tokenize) flags="--ids --special --bos --json" ;;
    template) flags="--variant --json" ;;
    logits) flags="--text --ids --out --digest --threads --cpu-pin --chunk --ctk --cache-type-k --ctv --cache-type-v --cache-hadamard --rope-scaling --rope-scale --rope-freq-scale --rope-freq-base --yarn-orig-ctx --yarn-ext-factor --yarn-attn-factor --yarn-beta-slow --yarn-beta-fast --lora --json" ;;
    perplexity) flags="--ctx --stride --kl-base --threads --cpu-pin --chunk --ctk --cache-type-k --ctv --cache-type-v --cache-hadamard --rope-scaling --rope-scale --rope-freq-scale --rope-freq-base --yarn-orig-ctx --yarn-ext-factor --yarn-attn-factor --yarn-beta-slow --yarn-beta-fast --lora --json" ;;
    train) flags="--out --threads --cpu-pin --dry-run --json" ;;
    report) flags="-o --out --json" ;;
    verify) flags="--from --to --windows --length --seed --receipt --trust --threads --cpu-pin --json" ;;
    receipt) flags="--key -o --out --new-key --threads --cpu-pin" ;;
    merge) flags="-o --out --type --threads --cpu-pin --json" ;;
    bench) flags="-p --n-prompt -n --n-gen -d --n-depth -t --threads --cpu-pin -b --batch-size --parallel -r --repetitions --profile --no-warmup --ctk --cache-type-k --ctv --cache-type-v --cache-hadamard --rope-scaling --rope-scale --rope-freq-scale --rope-freq-base --yarn-orig-ctx --yarn-ext-factor --yarn-attn-factor --yarn-beta-slow --yarn-beta-fast --lora --json --csv" ;;
    cache) flags="--json" ;;
    doctor) flags="--json" ;;
    *) return ;;
  esac
  case $current in
    -*) mapfile -t COMPREPLY < <(compgen -W "$flags --help" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
  esac
}
complete -o filenames -F _avocado avocado
