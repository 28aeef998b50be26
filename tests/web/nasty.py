"""Values that nobody's form would send, and some that only look right: what broke halls elsewhere,
and neighbours of it."""

_DAYS = (
    "0000-00-00 0001-01-01 0001-01 0000-01 9999-12 9999-12-31 10000-01 10000-01-01 99999-01 2026-00 "
    "2026-13 2026-02-30 2026-2 2026-1-1 -2026-01 -0001-01-01 2026-11-17T00:00 "
    "2026-11-17T25:61:00+99:99 20261117 202611 2026/11 11/2026 2026 1e4-01 ２０２６-１１ 2026-١١ 2026‐11 "
    "2026—11 1582-10-10 1970-01-01 2038-01-19 294276-12-31 4714-11 infinity -infinity now today"
)
_NUMBERS = (
    "0 -0 1 -1 +1 1.0 1.5 .5 5. 1e3 1E400 1e-400 -1e309 0x10 0b1 0o7 1_000 1,000 1'000 ¹ ² ½ ① Ⅳ 壹 一 "
    "１２ ١٢ ೩ NaN nan sNaN Infinity inf -inf 2147483647 2147483648 -2147483649 4294967296 "
    "9223372036854775807 9223372036854775808 -9223372036854775809 18446744073709551616 "
    "99999999999999999999 100000000000000000000000000000000000000000 00000000000000000001 --1 1-1 "
    "1+1 1;2 1|2 $1 1元 ￥1 1% %1 1/0"
)
_WORDS = (
    "None null undefined true false True False on off all any self pk id __all__ __class__ __proto__ "
    "__str__ constructor default pension medical wuhan ningbo atlantis admin root submitted done "
    "paid open flexible employee person 待办理 全部 养老保险 王芳 330211198805120249 33021119880512024X "
    "33021119880512024x 330211880512024 810000199001010012 000000000000000000 91330211MA2000101L "
    "6217995200000101 13800000001 +8613800000001 HD0000011454 NB20991231000001 "
    "330200-20991231-ABCDEFGH 550e8400-e29b-41d4-a716-446655440000 550e8400e29b41d4a716446655440000 "
    "550e8400-e29b-41d4-a716-44665544000 {550e8400} 00000000-0000-0000-0000-000000000000 "
    "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF-GGGG"
)
_CODE = (
    "' \" ` ; -- /* */ \\ \\\\ % %% %s %(x)s %d {} {0} {x} {{x}} {%x%} ${x} #{x} <x> </title> "
    "<script>alert(1)</script> <svg/onload=x> &amp; &#0; &#x110000; javascript:x data:, "
    "//evil.example/x /\\evil.example http://evil.example http:///x http:x https:evil.example ../ "
    "../../etc/passwd ..\\..\\ /etc/passwd %2e%2e%2f file:///etc/passwd C:\\ CON .. . ./ * ? [ ] [0] [] "
    "a[]=b ( ) ((( ^ $ | .* (a+)+$ ~ ! @ @x =1+1 +1+1 -1+1 @SUM(1) '||1||' 'OR'1'='1 1;DROP 1)OR(1=1 "
    'sleep(9) pg_sleep(9) *)(uid=* $ne {"$ne":1} [1] {"a":1} "x" \\u0000 \\x00 \\ud800 \\n id,pk -id ?id '
    "&id #id id__in name__regex identity_number__startswith"
)
_SIGNS = [
    "",
    " ",
    "   ",
    "\t",
    "\n",
    "\r\n",
    "\r\nSet-Cookie: a=b",
    "\0",
    "a\0b",
    "\0" * 9,
    "2026-11\0",
    "1\0",
    "\x01",
    "\x08",
    "\x1a",
    "\x1b[31m",
    "\x7f",
    "\x80",
    "\x85",
    "\x9f",
    "\u00a0",
    "\u00ad",
    "\u0300",
    "a" + "\u0300" * 200,
    "\u061c",
    "\u115f",
    "\u180e",
    "\u200b",
    "\u200d",
    "\u200e1\u200f",
    "\u2028",
    "\u2029",
    "\u202e1\u202c",
    "\u2060",
    "\u2066x\u2069",
    "\u2fbc\u2f42\u2f45",
    "\u3000",
    "\u3164",
    "\ue000",
    "\ufdd0",
    "\ufeff",
    "\ufeff1",
    "\ufffd",
    "\ufffe",
    "\uffff",
    "\U0001f600",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0002000d",
    "\U00030001",
    "\U000e0001",
    "\U000f0000",
    "\U0010ffff",
    "买买提·艾力",
    "ﷺ" * 50,
    "a" * 61,
    "a" * 300,
    "9" * 300,
    "9" * 5000,
    "中" * 300,
    "中" * 2000,
    "-" * 500,
    "(" * 500,
    "[" * 500,
    "%" * 500,
    "1," * 500,
    "2026-11," * 200,
    "/" * 300,
    " 1 ",
    "1 ",
    "１ ",
    "1\n",
    "2026-11\n",
]

VALUES: list[str] = [
    *_SIGNS,
    *_DAYS.split(),
    *_NUMBERS.split(),
    *_WORDS.split(),
    *_CODE.split(),
]

# As they come over the line: text, and bytes that are none.
RAW = [
    "%",
    "%0",
    "%zz",
    "%00",
    "%FF",
    "%C0%80",
    "%ED%A0%80",
    "%F8%88%80%80%80",
    "%u0000",
    "+",
    "%2B",
    "%26",
    "%3D",
    "%23",
    "%25",
]
