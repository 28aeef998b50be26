"""How a payment can go, once the payer has said yes: chosen on the payer's page, by a control call,
or by the card's ending."""

PLAIN, LATE, HUNDRED, REPEATED = "plain", "late", "hundred", "repeated"
FAILED_FIRST, DROPPED, FEN_OFF = "failed_first", "dropped", "fen_off"
FORGED, UNSIGNED, TAMPERED, STALE = "forged", "unsigned", "tampered", "stale"
SILENT, CLOSED_THEN_PAID = "silent", "closed_then_paid"

TITLES = {
    PLAIN: "正常：付款后立即通知",
    LATE: "通知迟到几秒",
    HUNDRED: "同一通知一百次同时到达",
    REPEATED: "同一通知先后到达三次",
    FAILED_FIRST: "先通知失败，后通知成功",
    DROPPED: "从不通知，只能查询",
    FEN_OFF: "多收一分钱",
    FORGED: "通知由别人签名",
    UNSIGNED: "通知没有签名",
    TAMPERED: "通知签名后被改动",
    STALE: "之后再来一次两天前签名的通知",
    SILENT: "已扣款，应答超时，也不通知",
    CLOSED_THEN_PAID: "关闭之后才扣款成功",
}

# Last two digits of a bank card.
CARD_ENDINGS = {
    "11": LATE,
    "12": HUNDRED,
    "13": FAILED_FIRST,
    "14": DROPPED,
    "15": FEN_OFF,
    "16": FORGED,
    "17": UNSIGNED,
    "18": STALE,
    "19": SILENT,
    "20": CLOSED_THEN_PAID,
    "21": REPEATED,
    "22": TAMPERED,
}
# Refused when announced, and refused when the code is confirmed.
CARD_REFUSALS = {"02": "frozen", "03": "holder", "04": "phone", "05": "unknown_card"}
CARD_POOR = "01"

# What an answer to the hall can suffer, after what was asked has been done.
FAULTS = ("silent", "error", "garbage", "bad_signature", "unsigned", "refused")
