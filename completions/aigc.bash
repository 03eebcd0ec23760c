# bash completion for aigc (bash 4 or newer); made by tools/make_completions.py
_aigc_styles='dicebear: dicebear:adventurer dicebear:adventurer-neutral dicebear:big-ears dicebear:big-ears-neutral dicebear:big-smile dicebear:blobs dicebear:cameo dicebear:clay dicebear:constellation dicebear:critters dicebear:croodles dicebear:croodles-neutral dicebear:cutouts dicebear:disco dicebear:dylan dicebear:fun-emoji dicebear:gaze dicebear:glass dicebear:glyphs dicebear:icons dicebear:identicon dicebear:initial-face dicebear:initials dicebear:landscape dicebear:line-face dicebear:loops dicebear:lorelei dicebear:lorelei-neutral dicebear:marbles dicebear:micah dicebear:miniavs dicebear:moods dicebear:notionists dicebear:notionists-neutral dicebear:open-peeps dicebear:patchwork dicebear:personas dicebear:pixel-art dicebear:pixel-art-neutral dicebear:pixelbot dicebear:planets dicebear:rings dicebear:shadows dicebear:shape-grid dicebear:shapes dicebear:slice dicebear:sprouts dicebear:squircles dicebear:stack dicebear:stripes dicebear:thumbs dicebear:toon-head dicebear:triangles dicebear:voxel-art dicebear:voxel-bot dicebear:waves dicebear:weave'
_aigc_demos='demo:wren demo:maidong'
_aigc_sections='prepare-images prepare-chat prepare-text prepare-forget train-gan train-gpt sample chat metrics eval-images eval-pairs eval-text eval-texts'
_aigc_words() { # WORD...: those that begin as the word does
    COMPREPLY+=($(compgen -W "$*" -- "$word"))
}

_aigc_marked() { # MARKER KIND...: the folders that hold a marker of one of the kinds, up to two levels below
    local marker=$1 file found kind text
    shift
    for file in "$word"*/"$marker" "$word"*/*/"$marker"; do
        [[ -e $file ]] || continue
        IFS= read -r -d '' -n 4096 text <"$file"
        for kind in "${@:-}"; do
            if [[ $text == *$'\n "kind": '"\"$kind"* ]]; then
                printf -v found %q "${file%/*}" # as a whole word: a folder of its kind is not gone into
                COMPREPLY+=("$found")
            fi
        done
    done
}

_aigc_expressions() { # the labels of the run that the line names
    local run line inside
    for run in "${COMP_WORDS[@]:1}"; do
        [[ -f $run/aigc.json && -f $run/config.json ]] || continue
        inside=''
        while IFS= read -r line; do
            case $line in
                *'"label_names": []'*) ;;
                *'"label_names": ['*) inside=1 ;;
                *']'*) inside='' ;;
                *) if [[ $inside ]]; then line=${line#*\"} && _aigc_words "${line%\"*}"; fi ;;
            esac
        done <"$run/config.json"
    done
}

_aigc_rest() { # files, folders or free: what may stand there beside what was found
    case $1 in
        files) if [[ ${#COMPREPLY[@]} -gt 0 && $word ]]; then COMPREPLY+=($(compgen -f -- "$word")); fi ;;
        folders) if [[ ${#COMPREPLY[@]} -eq 0 ]]; then compopt -o dirnames +o default; fi ;;
        free) compopt +o default ;;
    esac
    if [[ $1 == files && ! $word ]]; then COMPREPLY=(); fi
}

_aigc() {
    local IFS=$' \t\n' word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' next i words=''
    local line=${COMP_LINE:0:COMP_POINT} colon=''
    COMPREPLY=()
    if [[ $word == '=' ]]; then word=''; fi
    if [[ $previous == '=' ]]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi
    if [[ $COMP_WORDBREAKS == *:* && ${line##*[[:space:]]} == *:* ]]; then # bash cuts words at colons
        word=${line##*[[:space:]]}
        colon=${word%"${word##*:}"}
        read -r -a words <<<"${line%"$word"}"
        previous=${words[${#words[@]} - 1]}
        words=''
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        next="${command:+$command }${COMP_WORDS[i]}"
        case $next in
            'prepare' | 'prepare images' | 'prepare chat' | 'prepare text' | 'prepare forget' | 'train-gan' | 'train-gpt' | 'sample' | 'chat' | 'metrics' | 'eval' | 'eval images' | 'eval pairs' | 'eval text' | 'eval texts' | 'label' | 'label show' | 'label verify' | 'config' | 'config show' | 'config path' | 'doctor' | 'completion') command=$next ;;
        esac
    done
    _aigc_reply
    COMPREPLY=("${COMPREPLY[@]#"$colon"}")
}

_aigc_reply() {
    case $command in
        '')
            case $previous in
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--version --lang -h --help'
            else words='prepare train-gan train-gpt sample chat metrics eval label config doctor completion'; fi
            ;;
        'prepare')
            case $previous in
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--lang -h --help'
            else words='images chat text forget'; fi
            ;;
        'prepare images')
            case $previous in
                -o | --output) _aigc_rest folders; return ;;
                --size | -n | --count | --seed | --subject | --valid | --min-side | --max-megapixels | --lock-wait | --keep-days) _aigc_rest free; return ;;
                --mode) _aigc_words 'auto RGB L RGBA'; _aigc_rest free; return ;;
                --labels) _aigc_words 'auto folders none'; _aigc_rest free; return ;;
                --consent) _aigc_words 'unspecified self permission public synthetic'; _aigc_rest free; return ;;
                --depth) _aigc_words 'auto 8 16'; _aigc_rest free; return ;;
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='-o --output --size --mode --labels -n --count --seed --subject --consent --force --no-force --dry-run --no-dry-run --depth --valid --min-side --max-megapixels --lock-wait --keep-days --json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_words $_aigc_styles; _aigc_rest files; fi
            ;;
        'prepare chat')
            case $previous in
                -o | --output) _aigc_rest folders; return ;;
                --format) _aigc_words 'auto telegram discord messenger slack matrix googlechat signal wechat qq chatlab chatgpt claude messages sharegpt line kakaotalk imessage signal_export sigtop whatsapp mbox subtitles screenplay columns script'; _aigc_rest free; return ;;
                --columns | --zone | --me | --with | --since | --until | --subject | --merge-minutes | --silence-minutes | --answer-hours | --max-turns | --max-characters | --valid | --encoding | --lock-wait | --keep-days) _aigc_rest free; return ;;
                --dates) _aigc_words 'auto dmy mdy ymd'; _aigc_rest free; return ;;
                --persona | --redact) _aigc_rest files; return ;;
                --consent) _aigc_words 'unspecified self permission public synthetic'; _aigc_rest free; return ;;
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='-o --output --format --columns --dates --zone --me --with --since --until --subject --persona --consent --keep-pii --no-keep-pii --redact --force --no-force --dry-run --no-dry-run --merge-minutes --silence-minutes --answer-hours --max-turns --max-characters --valid --show-dropped --no-show-dropped --encoding --lock-wait --keep-days --json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_words $_aigc_demos; _aigc_rest files; fi
            ;;
        'prepare text')
            case $previous in
                -o | --output) _aigc_rest folders; return ;;
                --subject | --valid | --block-characters | --encoding | --lock-wait | --keep-days) _aigc_rest free; return ;;
                --consent) _aigc_words 'unspecified self permission public synthetic'; _aigc_rest free; return ;;
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='-o --output --subject --consent --force --no-force --dry-run --no-dry-run --valid --block-characters --encoding --lock-wait --keep-days --json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_rest files; fi
            ;;
        'prepare forget')
            case $previous in
                --who | --since | --until | --record | --lock-wait) _aigc_rest free; return ;;
                --search) _aigc_rest folders; return ;;
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--who --since --until --record --search --yes --no-yes --dry-run --no-dry-run --lock-wait --json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_marked manifest.json chat; _aigc_rest folders; fi
            ;;
        'train-gan')
            case $previous in
                -o | --output | --init) _aigc_marked aigc.json face; _aigc_rest folders; return ;;
                --minutes | --steps | --sweep | --batch-size | --width | --z-dim | --lr-g | --lr-d | --beta1 | --beta2 | --cooldown | --final-lr | --plateau-patience | --gamma | --gp-weight | --clip-weights | --penalty-every | --grow | --d-steps | --class-weight | --ema-images | --sweep-minutes | --seed | --augment | --augment-strength | --metric-images | --evaluations | --log-every-steps | --patience | --save-minutes | --save-every | --keep | --lock-wait | --keep-days | --threads) _aigc_rest free; return ;;
                --preset) _aigc_words 'auto small tiny large projected dcgan mlp wgan wgan-gp resnet r3'; _aigc_rest free; return ;;
                --arch) _aigc_words 'style dcgan mlp resnet r3'; _aigc_rest free; return ;;
                --loss) _aigc_words 'rpgan nonsaturating minimax lsgan hinge wgan wgan-gp'; _aigc_rest free; return ;;
                --modulation) _aigc_words 'weight adain'; _aigc_rest free; return ;;
                --schedule) _aigc_words 'constant linear cosine wsd plateau'; _aigc_rest free; return ;;
                --metric) _aigc_words 'random_conv efficientnet_lite0'; _aigc_rest free; return ;;
                --resume) _aigc_words 'auto restart'; _aigc_rest free; return ;;
                --device) _aigc_words 'auto cpu cuda mps'; _aigc_rest free; return ;;
                --precision) _aigc_words 'fp32 bf16'; _aigc_rest free; return ;;
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='-o --output --minutes --steps --preset --init --dry-run --no-dry-run --sweep --arch --loss --batch-size --width --modulation --z-dim --lr-g --lr-d --beta1 --beta2 --schedule --cooldown --final-lr --plateau-patience --gamma --gp-weight --clip-weights --penalty-every --grow --projected --no-projected --d-steps --class-weight --ema-images --sweep-minutes --sweep-only --no-sweep-only --seed --labels --no-labels --augment --augment-strength --augment-adapt --no-augment-adapt --metric --metric-images --evaluations --log-every-steps --tensorboard --no-tensorboard --patience --save-minutes --save-every --keep --resume --lock-wait --keep-days --threads --device --precision --json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_marked manifest.json images; _aigc_rest folders; fi
            ;;
        'train-gpt')
            case $previous in
                -o | --output) _aigc_marked aigc.json text; _aigc_rest folders; return ;;
                --minutes | --steps | --layers | --width | --heads | --kv-heads | --batch-size | --learning-rate | --matrix-learning-rate | --momentum | --warmup-steps | --cooldown | --final-lr | --plateau-patience | --weight-decay | --clip | --lora-rank | --lora-alpha | --lora-layers | --seed | --vocab-size | --context | --eval-tokens | --evaluations | --patience | --log-every-steps | --save-minutes | --save-every | --keep | --lock-wait | --keep-days | --accumulate | --threads) _aigc_rest free; return ;;
                --preset) _aigc_words 'nano tiny small base'; _aigc_rest free; return ;;
                --init) _aigc_words 'smollm2'; _aigc_marked aigc.json text; _aigc_rest files; return ;;
                --finetune) _aigc_words 'lora full'; _aigc_rest free; return ;;
                --optimizer) _aigc_words 'muon adamw'; _aigc_rest free; return ;;
                --schedule) _aigc_words 'constant linear cosine wsd plateau'; _aigc_rest free; return ;;
                --tokenizer) _aigc_words 'char bpe'; _aigc_rest free; return ;;
                --resume) _aigc_words 'auto restart'; _aigc_rest free; return ;;
                --parallel) _aigc_words 'auto ddp fsdp'; _aigc_rest free; return ;;
                --precision) _aigc_words 'auto fp32 bf16'; _aigc_rest free; return ;;
                --compile) _aigc_words 'auto on off'; _aigc_rest free; return ;;
                --device) _aigc_words 'auto cpu cuda mps'; _aigc_rest free; return ;;
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='-o --output --minutes --steps --preset --init --dry-run --no-dry-run --finetune --layers --width --heads --kv-heads --batch-size --learning-rate --matrix-learning-rate --momentum --optimizer --schedule --warmup-steps --cooldown --final-lr --plateau-patience --weight-decay --clip --lora-rank --lora-alpha --lora-layers --find-lr --no-find-lr --seed --tokenizer --vocab-size --context --eval-tokens --evaluations --patience --log-every-steps --tensorboard --no-tensorboard --save-minutes --save-every --keep --resume --lock-wait --keep-days --accumulate --gradient-checkpointing --no-gradient-checkpointing --parallel --precision --compile --threads --device --json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_marked manifest.json chat text; _aigc_rest folders; fi
            ;;
        'sample')
            case $previous in
                -o | --output | --grid | --prompts) _aigc_rest files; return ;;
                -n | --count | --start | --seed | --truncation | --prompt | --max-new-tokens | --temperature | --top-p | --top-k | --min-p | --repetition-penalty | --lock-wait | --keep-days | --batch-size | --threads) _aigc_rest free; return ;;
                --checkpoint) _aigc_words 'best last STEP'; _aigc_rest free; return ;;
                --label) _aigc_expressions; _aigc_rest free; return ;;
                --device) _aigc_words 'auto cpu cuda mps'; _aigc_rest free; return ;;
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='-o --output -n --count --start --seed --checkpoint --force --no-force --dry-run --no-dry-run --label --truncation --grid --show --no-show --prompt --prompts --max-new-tokens --temperature --top-p --top-k --min-p --repetition-penalty --lock-wait --keep-days --batch-size --threads --device --json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_marked aigc.json; _aigc_rest folders; fi
            ;;
        'chat')
            case $previous in
                --face) _aigc_marked aigc.json face; _aigc_rest folders; return ;;
                --play | --session) _aigc_rest files; return ;;
                --face-seed | --face-truncation | --face-columns | --temperature | --top-p | --min-p | --repetition-penalty | --max-new-tokens | --seed | --reply-speed | --lock-wait | --threads) _aigc_rest free; return ;;
                --pictures) _aigc_words 'auto kitty iterm2 sixel half-blocks none'; _aigc_rest free; return ;;
                --device) _aigc_words 'auto cpu cuda mps'; _aigc_rest free; return ;;
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='-c --continue --face --play --force --no-force --face-seed --face-truncation --face-columns --pictures --temperature --top-p --min-p --repetition-penalty --max-new-tokens --seed --reply-speed --session --log --no-log --lock-wait --device --threads --json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_marked aigc.json text; _aigc_rest folders; fi
            ;;
        'metrics')
            case $previous in
                --metric) _aigc_rest free; return ;;
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--metric --follow --no-follow --json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_marked aigc.json; _aigc_rest folders; fi
            ;;
        'eval')
            case $previous in
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--lang -h --help'
            else words='images pairs text texts'; fi
            ;;
        'eval images')
            case $previous in
                --extractor) _aigc_words 'efficientnet_lite0 random_conv'; _aigc_rest free; return ;;
                --split) _aigc_words 'all train valid'; _aigc_rest free; return ;;
                --max-images | --seed | --neighbours | --kid-subsets | --kid-subset-size | --bootstrap | --threads) _aigc_rest free; return ;;
                --device) _aigc_words 'auto cpu cuda mps'; _aigc_rest free; return ;;
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--extractor --split --max-images --labels --no-labels --seed --dry-run --no-dry-run --neighbours --kid-subsets --kid-subset-size --bootstrap --device --threads --json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_marked manifest.json images; _aigc_rest folders; fi
            ;;
        'eval pairs')
            case $previous in
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--per-pair --no-per-pair --dry-run --no-dry-run --json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_rest folders; fi
            ;;
        'eval text')
            case $previous in
                --base) _aigc_words 'smollm2'; _aigc_marked aigc.json text; _aigc_rest files; return ;;
                --split) _aigc_words 'train valid'; _aigc_rest free; return ;;
                --replies | --context | --seed | --threads) _aigc_rest free; return ;;
                --device) _aigc_words 'auto cpu cuda mps'; _aigc_rest free; return ;;
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--base --split --replies --context --seed --dry-run --no-dry-run --device --threads --json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_marked aigc.json text; _aigc_marked manifest.json chat text; _aigc_rest folders; fi
            ;;
        'eval texts')
            case $previous in
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--dry-run --no-dry-run --json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_marked manifest.json; _aigc_rest files; fi
            ;;
        'label')
            case $previous in
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--lang -h --help'
            else words='show verify'; fi
            ;;
        'label show')
            case $previous in
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_rest files; fi
            ;;
        'label verify')
            case $previous in
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_rest files; fi
            ;;
        'config')
            case $previous in
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--lang -h --help'
            else words='show path'; fi
            ;;
        'config show')
            case $previous in
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--origin --json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_words $_aigc_sections; _aigc_rest free; fi
            ;;
        'config path')
            case $previous in
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_rest free; fi
            ;;
        'doctor')
            case $previous in
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_rest free; fi
            ;;
        'completion')
            case $previous in
                --color) _aigc_words 'auto always never'; _aigc_rest free; return ;;
                --lang) _aigc_words 'en zh-CN'; _aigc_rest free; return ;;
            esac
            if [[ $word == -?* ]]; then words='--json -q --quiet -v --verbose --color --lang --debug -h --help'
            else _aigc_words 'bash zsh fish'; _aigc_rest free; fi
            ;;
    esac
    if [[ $words ]]; then compopt -o nosort 2>/dev/null; fi # as in --help; bash before 4.4 sorts all the same
    _aigc_words "$words"
}

complete -o default -F _aigc aigc
