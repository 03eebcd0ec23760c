# bash completion for aigc; made by tools/make_completions.py
_aigc_folders() { # WORD MARKER...: the folders with a marker up to two levels below; without any, all folders
    local word=$1 marker found
    shift
    for marker; do
        for found in "$word"*/"$marker" "$word"*/*/"$marker"; do
            [[ -e $found ]] && COMPREPLY+=("${found%/*}")
        done
    done
    compopt -o filenames
    if [[ ${#COMPREPLY[@]} -eq 0 ]]; then compopt -o dirnames +o default; fi
}

_aigc() {
    local IFS=$' \t\n' word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' next i words
    COMPREPLY=()
    if [[ $word == '=' ]]; then word=''; fi
    if [[ $previous == '=' ]]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        next="${command:+$command }${COMP_WORDS[i]}"
        case $next in
            'train-gan' | 'train-gpt' | 'sample' | 'chat' | 'prepare' | 'prepare images' | 'prepare chat' | 'prepare text' | 'eval' | 'eval images' | 'eval pairs' | 'eval text') command=$next ;;
        esac
    done
    case $command in
        '')
            if [[ $word == -?* ]]; then words='--version -h --help'
            else words='train-gan train-gpt sample chat prepare eval'; fi
            ;;
        'train-gan')
            case $previous in
                -o | --output) _aigc_folders "$word" aigc.json; return ;;
                --preset) COMPREPLY=($(compgen -W 'small tiny large dcgan mlp' -- "$word")); return ;;
                --arch) COMPREPLY=($(compgen -W 'style dcgan mlp' -- "$word")); return ;;
                --loss) COMPREPLY=($(compgen -W 'rpgan nonsaturating minimax' -- "$word")); return ;;
                --minutes | --steps | --batch-size | --width | --z-dim | --lr-g | --lr-d | --beta1 | --beta2 | --cooldown | --gamma | --penalty-every | --d-steps | --class-weight | --translate | --ema-images | --metric-images | --evaluations | --log-every-steps | --save-minutes | --patience | --seed | --threads | --lock-wait) compopt +o default; return ;;
                --schedule) COMPREPLY=($(compgen -W 'constant linear cosine trapezoid' -- "$word")); return ;;
                --metric) COMPREPLY=($(compgen -W 'random_conv efficientnet_lite0' -- "$word")); return ;;
                --device) COMPREPLY=($(compgen -W 'auto cpu cuda mps' -- "$word")); return ;;
                --resume) COMPREPLY=($(compgen -W 'auto restart' -- "$word")); return ;;
            esac
            if [[ $word == -?* ]]; then words='-o --output --preset --arch --loss --minutes --steps --batch-size --width --z-dim --lr-g --lr-d --beta1 --beta2 --schedule --cooldown --gamma --penalty-every --d-steps --class-weight --labels --no-labels --flip --no-flip --translate --ema-images --metric --metric-images --evaluations --log-every-steps --save-minutes --patience --seed --threads --device --resume --lock-wait --dry-run --no-dry-run --json -q --quiet --debug -h --help'
            else _aigc_folders "$word" manifest.json; return; fi
            ;;
        'train-gpt')
            case $previous in
                -o | --output) _aigc_folders "$word" aigc.json; return ;;
                --preset) COMPREPLY=($(compgen -W 'nano tiny small' -- "$word")); return ;;
                --init) return ;;
                --finetune) COMPREPLY=($(compgen -W 'lora full' -- "$word")); return ;;
                --tokenizer) COMPREPLY=($(compgen -W 'char bpe' -- "$word")); return ;;
                --vocab-size | --layers | --width | --heads | --kv-heads | --context | --minutes | --steps | --batch-size | --accumulate | --learning-rate | --matrix-learning-rate | --warmup-steps | --cooldown | --weight-decay | --clip | --lora-rank | --lora-alpha | --lora-layers | --eval-tokens | --evaluations | --patience | --log-every-steps | --save-minutes | --seed | --threads | --lock-wait) compopt +o default; return ;;
                --optimizer) COMPREPLY=($(compgen -W 'muon adamw' -- "$word")); return ;;
                --schedule) COMPREPLY=($(compgen -W 'constant linear cosine trapezoid' -- "$word")); return ;;
                --precision) COMPREPLY=($(compgen -W 'auto fp32 bf16' -- "$word")); return ;;
                --device) COMPREPLY=($(compgen -W 'auto cpu cuda mps' -- "$word")); return ;;
                --resume) COMPREPLY=($(compgen -W 'auto restart' -- "$word")); return ;;
            esac
            if [[ $word == -?* ]]; then words='-o --output --preset --init --finetune --tokenizer --vocab-size --layers --width --heads --kv-heads --context --minutes --steps --batch-size --accumulate --learning-rate --matrix-learning-rate --optimizer --schedule --warmup-steps --cooldown --weight-decay --clip --lora-rank --lora-alpha --lora-layers --precision --eval-tokens --evaluations --patience --log-every-steps --save-minutes --seed --threads --device --resume --lock-wait --dry-run --no-dry-run --json -q --quiet --debug -h --help'
            else _aigc_folders "$word" manifest.json; return; fi
            ;;
        'sample')
            case $previous in
                -o | --output | --grid | --prompts) return ;;
                -n | --count | --start | --seed | --batch-size | --threads | --label | --truncation | --prompt | --max-new-tokens | --temperature | --top-p | --top-k | --min-p | --repetition-penalty) compopt +o default; return ;;
                --device) COMPREPLY=($(compgen -W 'auto cpu cuda mps' -- "$word")); return ;;
            esac
            if [[ $word == -?* ]]; then words='-o --output -n --count --start --seed --batch-size --threads --device --dry-run --no-dry-run --label --truncation --grid --prompt --prompts --max-new-tokens --temperature --top-p --top-k --min-p --repetition-penalty --json -q --quiet --debug -h --help'
            else _aigc_folders "$word" aigc.json; return; fi
            ;;
        'chat')
            case $previous in
                --face) _aigc_folders "$word" aigc.json; return ;;
                --face-seed | --face-truncation | --face-columns | --temperature | --top-p | --min-p | --repetition-penalty | --max-new-tokens | --seed | --reply-speed | --threads) compopt +o default; return ;;
                --pictures) COMPREPLY=($(compgen -W 'auto kitty iterm2 sixel half-blocks none' -- "$word")); return ;;
                --session | --play) return ;;
                --device) COMPREPLY=($(compgen -W 'auto cpu cuda mps' -- "$word")); return ;;
            esac
            if [[ $word == -?* ]]; then words='-c --continue --face --face-seed --face-truncation --face-columns --pictures --temperature --top-p --min-p --repetition-penalty --max-new-tokens --seed --reply-speed --session --log --no-log --play --device --threads --json -q --quiet --debug -h --help'
            else _aigc_folders "$word" aigc.json; return; fi
            ;;
        'prepare')
            if [[ $word == -?* ]]; then words='-h --help'
            else words='images chat text'; fi
            ;;
        'prepare images')
            case $previous in
                -o | --output) compopt -o dirnames +o default; return ;;
                --size | --valid | --min-side | --max-megapixels | -n | --count | --seed | --subject) compopt +o default; return ;;
                --mode) COMPREPLY=($(compgen -W 'RGB L RGBA' -- "$word")); return ;;
                --labels) COMPREPLY=($(compgen -W 'auto folders none' -- "$word")); return ;;
                --consent) COMPREPLY=($(compgen -W 'unspecified self permission public synthetic' -- "$word")); return ;;
            esac
            if [[ $word == -?* ]]; then words='-o --output --force --dry-run --size --mode --labels --valid --min-side --max-megapixels -n --count --seed --subject --consent --json -q --quiet --debug -h --help'
            else return; fi
            ;;
        'prepare chat')
            case $previous in
                -o | --output) compopt -o dirnames +o default; return ;;
                --format) COMPREPLY=($(compgen -W 'auto telegram messages sharegpt script' -- "$word")); return ;;
                --me | --subject | --merge-minutes | --silence-minutes | --answer-hours | --max-turns | --max-characters | --valid | --encoding) compopt +o default; return ;;
                --consent) COMPREPLY=($(compgen -W 'unspecified self permission public synthetic' -- "$word")); return ;;
            esac
            if [[ $word == -?* ]]; then words='-o --output --force --dry-run --format --me --subject --consent --merge-minutes --silence-minutes --answer-hours --max-turns --max-characters --valid --keep-pii --no-keep-pii --encoding --json -q --quiet --debug -h --help'
            else return; fi
            ;;
        'prepare text')
            case $previous in
                -o | --output) compopt -o dirnames +o default; return ;;
                --subject | --valid | --block-characters | --encoding) compopt +o default; return ;;
                --consent) COMPREPLY=($(compgen -W 'unspecified self permission public synthetic' -- "$word")); return ;;
            esac
            if [[ $word == -?* ]]; then words='-o --output --force --dry-run --subject --consent --valid --block-characters --encoding --json -q --quiet --debug -h --help'
            else return; fi
            ;;
        'eval')
            if [[ $word == -?* ]]; then words='-h --help'
            else words='images pairs text'; fi
            ;;
        'eval images')
            case $previous in
                --extractor) COMPREPLY=($(compgen -W 'efficientnet_lite0 random_conv inception' -- "$word")); return ;;
                --split) COMPREPLY=($(compgen -W 'all train valid' -- "$word")); return ;;
                --max-images | --neighbours | --kid-subsets | --kid-subset-size | --bootstrap | --seed | --threads) compopt +o default; return ;;
                --device) COMPREPLY=($(compgen -W 'auto cpu cuda mps' -- "$word")); return ;;
            esac
            if [[ $word == -?* ]]; then words='--extractor --split --max-images --neighbours --kid-subsets --kid-subset-size --bootstrap --labels --no-labels --seed --device --threads --json -q --quiet --debug -h --help'
            else compopt -o dirnames +o default; return; fi
            ;;
        'eval pairs')
            if [[ $word == -?* ]]; then words='--per-pair --no-per-pair --json -q --quiet --debug -h --help'
            else compopt -o dirnames +o default; return; fi
            ;;
        'eval text')
            case $previous in
                --base) return ;;
                --split) COMPREPLY=($(compgen -W 'train valid' -- "$word")); return ;;
                --replies | --context | --seed | --threads) compopt +o default; return ;;
                --device) COMPREPLY=($(compgen -W 'auto cpu cuda mps' -- "$word")); return ;;
            esac
            if [[ $word == -?* ]]; then words='--base --split --replies --context --seed --device --threads --json -q --quiet --debug -h --help'
            else _aigc_folders "$word" aigc.json manifest.json; return; fi
            ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}

complete -o default -F _aigc aigc
