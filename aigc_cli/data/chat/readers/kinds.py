"""What exporters of Chinese messengers call the types of messages. Knows nothing of formats."""

from functools import lru_cache

TEXT, QUOTE, NOTICE, MEDIA = "text", "quote", "notice", "media"  # MEDIA: something that nobody has a word for

# Words of exporters for types, the more particular first: 语音通话 is a call, 语音 a voice message.
_KINDS = (
    (NOTICE, ["recall", "revoke", "system", "撤回", "拍一拍", "拍了拍", "红包", "转账", "公告", "系统", "通知"]),
    (NOTICE, ["邀请", "添加", "打招呼"]),
    ("call", ["通话", "call", "voip"]),
    (QUOTE, ["引用", "quote", "reply"]),
    (TEXT, ["文本", "文字", "普通", "text"]),
    ("photo", ["图片", "照片", "image", "photo"]),
    ("sticker", ["表情", "gif", "sticker", "emoji"]),
    ("link", ["视频号", "链接", "link", "分享", "小程序", "音乐", "卡片", "图文", "笔记", "收藏", "接龙", "直播"]),
    ("video", ["视频", "video"]),
    ("voice", ["语音", "语言", "voice"]),
    ("location", ["位置", "location"]),
    ("forwarded", ["聊天记录", "转发"]),
    ("contact", ["名片", "推荐", "contact"]),
    ("file", ["文件", "file"]),
)


@lru_cache(maxsize=512)
def kind_of(word: str) -> str:
    """Return what a type is by an exporter's word for it: TEXT, QUOTE, NOTICE or why it has no words; "" unknown."""
    word = word.casefold()
    return next((kind for kind, marks in _KINDS if any(mark in word for mark in marks)), "")
