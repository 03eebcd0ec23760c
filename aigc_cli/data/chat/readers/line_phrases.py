"""What LINE itself writes into an export: media, calls, notices, messages that were unsent, days of the week.

English, Japanese, Chinese (Taiwan and mainland), Korean, Thai, as far as they are known.
"""

import re

# What stands in brackets for a medium, on telephones; without brackets, as all there is of a message, on computers.
_MEDIA = {
    "photo": "photo photos image picture 写真 画像 照片 圖片 图片 相片 사진 이미지 รูป รูปภาพ ภาพ รูปถ่าย",
    "video": "video videos 動画 ビデオ 影片 視頻 视频 동영상 비디오 วิดีโอ",
    "sticker": "sticker stickers スタンプ 貼圖 贴图 表情貼 스티커 สติกเกอร์ สติ๊กเกอร์",
    "voice": "voice_message voice_messages voice audio ボイスメッセージ 音声メッセージ 音声 語音訊息 语音消息 "
    "음성_메시지 음성메시지 ข้อความเสียง",
    "file": "file files ファイル 檔案 文件 파일 ไฟล์",
    "contact": "contact contacts 連絡先 聯絡資訊 聯絡人 联系人 연락처 รายชื่อ ผู้ติดต่อ",
    "location": "location 位置情報 位置資訊 位置信息 位置 위치 위치정보 ตำแหน่ง ตำแหน่งที่ตั้ง null",
    "album": "album albums アルバム 相簿 相册 앨범 อัลบั้ม อัลบัม",
    "note": "note notes ノート 記事本 笔记 노트 โน้ต โน้ตโพสต์",
    "gift": "gift gifts ギフト プレゼント 禮物 礼物 선물 ของขวัญ",
    "poll": "poll polls 投票 アンケート 투표 โพล แบบสำรวจ",
    "call": "call 通話 音声通話 ビデオ通話 語音通話 視訊通話 통화",
    "media": "gif music keep event イベント 音楽 活動 音樂 이벤트 음악 送金 payment link",
}
MEDIA = {word.replace("_", " "): kind for kind, words in _MEDIA.items() for word in words.split()}
# Media that are named behind the bracket: a file's name, a place, an album's title.
NAMED = frozenset({"file", "contact", "location", "album", "note", "gift", "poll", "call", "media"})

EMOJI = re.compile(r"\((?:emoji|絵文字|表情|이모티콘|อิโมจิ)\)", re.IGNORECASE)
MISSING = "ⓘ"  # "this message cannot be shown": it was not moved from the telephone before
CALL = "☎"

UNSENT = re.compile(
    r"(?P<name>.{0,80}?)(?:"
    r"\s?\b(?:has )?unsent a (?:message|photo|video|sticker|file|voice message)\.?"
    r"|が?(?:メッセージ)?の?送信を取り消しました。?"
    r"|\s?(?:已|您已)?收回(?:了)?(?:一則)?訊息。?|\s?(?:已)?撤回(?:了)?(?:一条)?消息。?"
    r"|(?:님이)?\s?메시지(?: 전송)?[를을] (?:취소|삭제)했습니다\.?"
    r"|\s?ยกเลิก(?:การส่ง)?ข้อความ(?:แล้ว)?"
    r")"
)
# So much a notice that it is one under a name as well, whoever it tells of.
_GROUP = re.compile(r".{1,60}(?: (?:joined|left) the group\.?|がグループ(?:に参加|を?から退会|を退会)しました。?)")
# A call on a computer, where no sign stands before it.
CALLED = re.compile(
    r"(?:通話時間|call time|通话时间|통화 ?시간|เวลาโทร) ?\d[\d:]{0,7}|missed call|no answer|cancell?ed call|不在着信"
    r"|通話(?:をキャンセルしました|に応答がありませんでした)|未接來電|未接来电|부재중 ?(?:전화|통화)|ไม่ได้รับสาย",
    re.IGNORECASE,
)
OWN = frozenset({"", "you", "您", "你", "คุณ"})  # what stands for the owner in place of a name

NOTICE = re.compile(
    r".{0,120}?(?:"
    r" (?:joined|left) the (?:group|chat|chatroom|OpenChat|room)\.?"
    r"| (?:invited|added|removed) .{1,80}? (?:to|from) the (?:group|chat|chatroom|OpenChat|room)\.?"
    r"| changed the (?:group|chat|room|album)\b.{0,120}| changed the name of .{1,120}| deleted the album.{0,120}"
    r"|[Gg]roup (?:voice |video )?call (?:started|ended)\.?"
    r"|が.{0,40}(?:参加|退出|退会)しました。?|を.{0,40}招待しました。?|が?グループ(?:を|から)?退(?:出|会)しました。?"
    r"|[がを].{0,80}(?:変更|追加|作成|削除|解除)しました。?|通話が(?:開始され|終了し)ました。?"
    r"|\s?已?(?:加入|離開|离开|退出)(?:聊天|群組|群组|了?聊天室|社群)。?|\s?(?:已)?邀請.{1,80}加入.{0,20}"
    r"|\s?已將.{1,80}(?:設為|更改|變更|強制退出).{0,60}|\s?(?:變更|更改)了.{1,60}"
    r"|群組(?:語音|視訊)?通話已(?:開始|結束)。?"
    r"|님이 .{0,80}(?:들어왔습니다|나갔습니다|참여했습니다|초대했습니다|변경했습니다)\.?"
    r"|\s?(?:เพิ่ม.{1,80}เข้ากลุ่ม|(?:ได้)?(?:เข้าร่วม|ออกจาก)(?:กลุ่ม|แชท|ห้องแชท).{0,40})"
    r")"
)

SAVED = re.compile(r"(?:保存日時|save[d]? (?:on|date)|儲存日期|保存日期|저장|บันทึก)", re.IGNORECASE)
TITLE = re.compile(
    r"\[LINE\]\s?(?:chat(?: history)? with |與|与)?(?P<name>.+?)"
    r"(?:とのトーク(?:履歴)?|的聊天[記紀]錄?|的聊天|的对话|님과의? ?(?:대화|채팅).*)?(?:\.txt)?",
    re.IGNORECASE,
)

# Days of the week as they begin, Monday 0.
WEEKDAYS = {
    **{day: number for number, day in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))},
    **{day: number for number, day in enumerate("月火水木金土日")},
    **{day: number for number, day in enumerate("一二三四五六日")},
    **{day: number for number, day in enumerate("월화수목금토일")},
    **{day: number for number, day in enumerate(("จ", "อ", "พ", "พฤ", "ศ", "ส", "อา"))},
}

# One of these stands in all of the above: most texts need no more than a look for them.
_SIGNS = re.compile(
    "unsent|joined|left the|invited|added|removed|changed|deleted|call |しました|送信を取り消|收回|撤回|加入"
    "|離開|离开|退出|更改|變更|已將|通話已|습니다|ยกเลิก|เข้า|ออกจาก"
)
_LONGEST = 300  # characters of what LINE writes itself


def is_unsent(text: str) -> bool:
    """Return whether a text says that a message was unsent."""
    return len(text) < _LONGEST and _SIGNS.search(text) is not None and UNSENT.fullmatch(text) is not None


def is_of_a_group(text: str) -> bool:
    """Return whether a text tells who came to a group or left it, in words that nobody uses."""
    return len(text) < _LONGEST and _SIGNS.search(text) is not None and _GROUP.fullmatch(text) is not None


def is_notice(text: str) -> bool:
    """Return whether a text tells what happened to the chat."""
    return len(text) < _LONGEST and _SIGNS.search(text) is not None and NOTICE.fullmatch(text) is not None
