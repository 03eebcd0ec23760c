"""What KakaoTalk itself writes into an export, in Korean and English: media, calls, deleted messages, notices."""

import re

LONGEST = 300  # characters of what stands in place of a medium
OWNERS = frozenset({"회원님", "you", "You"})  # whose telephone it was

TITLE = re.compile(r"카카오톡 대화(?:-\d+)?(?:\.txt)?\s*$|KakaoTalk Chats\b|^Talk_\d{4}\.\d")
SAVED = re.compile(r"저장한 날짜\s*:|(?:Date Saved|Saved Date)\s*:")
EMOTICON = re.compile(r"^(?:\((?:이모티콘|emoticons?|stickers?)\)\s*)+", re.IGNORECASE)

# Alone, without the brackets that some layouts put around them.
_ALONE = {
    "photo": "사진|photos?|사진 \\d+장|\\d+ photos|photos? \\d+",
    "video": "동영상|videos?|동영상 \\d+개|\\d+ videos",
    "sticker": "이모티콘|emoticons?|stickers?",
    "voice": "음성 ?메시지|voice (?:message|note)",
    "deleted": "삭제된 메시지입니다|이? ?메시지[가는] 삭제되었습니다|채팅방 관리자가 메시지를 가렸습니다"
    "|(?:this |the )?message (?:was|has been) deleted|deleted message|this message (?:was|has been) hidden by .{1,60}",
    "file": "(?:파일|file): .{1,250}",
    "contact": "(?:연락처|카카오톡 프로필): .{1,120}",
    "location": "지도: .{1,250}",
    "gift": "선물과 메시지를 보냈습니다.{0,120}",
    "poll": "(?:톡게시판|talk board|post) ['\u2018](?:투표|poll)['\u2019]: .{1,250}",
    "post": "(?:톡게시판|talk board|post) ['\u2018].{1,20}['\u2019]: .{1,250}",
    "search": "샵검색: .{1,120}",
    "call": "(?:그룹 ?)?(?:(?:보이스|페이스|라이브)톡|그룹콜|(?:voice|face|live) ?talk|(?:voice|video|group) call)"
    "(?: 해요| 부재중| 취소| 응답 ?없음| 종료| ended| missed| cancell?ed| no answer| \\d[\\d:]*)",
}
_REMOVED = [(kind, re.compile(rf"(?:{words})\.?", re.IGNORECASE)) for kind, words in _ALONE.items()]
# One of these begins all of the above: most texts need no more than a look for them.
_SIGNS = re.compile(
    "사진|동영상|이모티콘|음성|삭제|이|메시지|채팅방|파일|연락처|카카오톡|지도|선물|톡게시판|샵검색|그룹|보이스|페이스|라이브"
    "|\\d+ |photo|video|emoticon|sticker|voice|this|the|message|deleted|file|talk|post|face|live|group",
    re.IGNORECASE,
)
_ATTACHED = re.compile(r"[0-9a-f]{32,80}\.(?P<ending>\w{2,5})")
_ENDINGS = {
    "photo": ("jpg", "jpeg", "png", "gif", "heic", "webp"),
    "video": ("mp4", "mov", "avi", "3gp"),
    "voice": ("m4a", "mp3", "aac", "amr"),
}

NOTICE = re.compile(
    r".{1,120}?(?:"
    r"님이 (?:들어왔습니다|나갔습니다)\.?|님을 내보냈습니다\.?|님[을과이와,].{0,120}초대(?:했습니다|하였습니다)\.?"
    r"|님이 .{0,80}(?:되었습니다|변경했습니다|해제했습니다|설정했습니다)\.?"
    r"|채팅방을 나갔습니다\.?|채팅방 관리자가 메시지를 가렸습니다\.?"
    r"| (?:has )?(?:joined|left|been removed from|was removed from) (?:this|the) chat ?(?:room)?\.?"
    r"| invited .{1,160}\."
    r")|채팅방 관리자가 메시지를 가렸습니다\.?"
    r"|(?:운영정책을 위반한 메시지로|타인, 기관 등의 사칭에|금전 또는 개인정보를 요구).{0,160}"
)
_SIGNS_OF_NOTICE = re.compile("습니다|joined|left|removed|invited|운영정책|사칭|개인정보")


def is_notice(text: str) -> bool:
    """Return whether a line tells what happened to the chat."""
    return len(text) < LONGEST and _SIGNS_OF_NOTICE.search(text) is not None and NOTICE.fullmatch(text) is not None


def removed(text: str) -> str:
    """Return what a text stands in place of, "" if it is somebody's own."""
    bare = text[1:-1] if text[:1] + text[-1:] in ("<>", "()") else text
    if _SIGNS.match(bare):
        for kind, pattern in _REMOVED:
            if pattern.fullmatch(bare):
                return kind
    attached = _ATTACHED.fullmatch(text)
    if attached:
        return next((kind for kind, endings in _ENDINGS.items() if attached["ending"].lower() in endings), "file")
    return ""
