"""What the reference says about operators, functions and macros: (usage, meaning, example filter or nothing)."""

from __future__ import annotations

Entry = tuple[str, str, str]

TYPES: tuple[Entry, ...] = (
    ("bool", "`true`, `false`", "http"),
    ("int", "64 bits with sign; `500`, `0x1F`, `-1`", "status_code >= 500"),
    ("uint", "64 bits without sign; `500u`", "uint(status_code) == 500u"),
    ("double", "`0.5`, `1e9`", "double(elapsed_time) / 1000.0 > 250.0"),
    ("string", "text in single or double quotes; `r'\\d+'` without escapes", 'path.startsWith("/api/")'),
    ("bytes", "`b'\\x16\\x03'`", 'bytes(path) == b"/"'),
    ("timestamp", "a point in time, to the nanosecond", 'timestamp >= timestamp("2026-01-31T10:00:00Z")'),
    ("duration", "a length of time", 'timestamp > now() - duration("5m")'),
    ("list", "`[a, b]`; fields such as `dns_questions` are lists of text", '"example.com" in dns_questions'),
    ("map", "`{key: value}`; fields such as `request.headers` map text to text", '"host" in request.headers'),
)

OPERATORS: tuple[Entry, ...] = (
    ("a ? b : c", "`b` where `a` holds, else `c`", 'status_code >= 500 ? true : method == "DELETE"'),
    ("a || b", "either; an error on one side does not count when the other is true", "status_code >= 500 || failed"),
    ("a && b", "both; an error on one side does not count when the other is false", "http && status_code >= 500"),
    ("a == b, a != b", "equal, not equal; both sides have one type", 'http && method != "GET"'),
    ("a < b, a <= b, a > b, a >= b", "order of numbers, text (by code point), bytes, times", "elapsed_time > 250000"),
    ("a in b", "an item of a list, or a key of a map", 'method in ["POST", "PUT", "PATCH"]'),
    ("a + b, a - b", "numbers, times; `+` also joins text and lists", "request_body_size + response_body_size > 65536"),
    ("a * b, a / b, a % b", "whole numbers divide to whole numbers", "elapsed_time / 1000 > 250"),
    ("!a, -a", "not; the negative", "!answered"),
    ("a.b, a[b]", "the value of a key, or the item at a position from 0", 'request.headers["host"] == "shop.example"'),
)

FUNCTIONS: tuple[Entry, ...] = (
    ("size(x)", "characters of a text, bytes, items of a list, keys of a map", "size(dns_answers) == 0"),
    (
        "map_get(map, key), map_get(map, key, default)",
        'the value of a key, else the default, else `""`',
        'map_get(request.headers, "x-tenant", "none") == "none"',
    ),
    ("now()", "the time at which the filter was compiled; it does not move", 'timestamp > now() - duration("1h")'),
    ("has(map.key)", "whether a map has a key", "has(request.headers.host)"),
    ("matches(text, pattern)", "the same as `text.matches(pattern)`", 'matches(path, "^/v[0-9]+/")'),
    (
        "int(x)",
        "of uint, double (toward zero), text, timestamp (Unix seconds)",
        'int(map_get(request.headers, "content-length", "0")) > 1000',
    ),
    ("uint(x)", "of int, double, text", 'uint("7") == 7u'),
    ("double(x)", "of int, uint, text", "double(elapsed_time) / 1e6 > 0.25"),
    ("string(x)", "of numbers, bool, bytes (UTF-8), times", 'string(status_code).startsWith("5")'),
    ("bool(x)", "of text: `true`, `false`, `1`, `0`, `t`, `f`", 'bool("true") && http'),
    ("bytes(x)", "the UTF-8 of a text", "size(bytes(path)) > size(path)"),
    ("timestamp(x)", "of RFC 3339 text, or Unix seconds", "timestamp > timestamp(1769853600)"),
    ("duration(x)", "of text with units h, m, s, ms, us, ns", 'duration("1h30m") > duration("90s")'),
    ("type(x)", "the type, to compare with a type's name", "type(status_code) == int"),
    ("dyn(x)", "the value itself, its type unknown to the checker", "dyn(status_code) == 500"),
    (
        "strings.quote(text)",
        "the text in double quotes, special characters escaped",
        'strings.quote(path) != "\\"/\\""',
    ),
)

METHODS: tuple[Entry, ...] = (
    ("text.contains(part)", "whether it is in the text", 'path.contains("/orders/")'),
    ("text.startsWith(part)", "whether the text begins with it", 'src.ip.startsWith("10.")'),
    ("text.endsWith(part)", "whether the text ends with it", 'dst.dns.endsWith(".svc.cluster.local")'),
    (
        "text.matches(pattern)",
        "whether an RE2 pattern is found anywhere in the text",
        'path.matches("^/users/[0-9]+$")',
    ),
    ("text.size()", "characters; also of bytes, lists, maps", "path.size() > 200"),
    ("text.charAt(position)", "one character", 'path.charAt(0) != "/"'),
    ("text.indexOf(part), text.indexOf(part, from)", "position of the first, -1 without any", 'path.indexOf("?") >= 0'),
    ("text.lastIndexOf(part), text.lastIndexOf(part, from)", "position of the last", 'path.lastIndexOf("/") > 20'),
    ("text.lowerAscii()", "A to Z in lower case", 'method.lowerAscii() == "get"'),
    ("text.upperAscii()", "a to z in upper case", 'redis_command.upperAscii() == "GET"'),
    ("text.replace(old, new), text.replace(old, new, times)", "with parts replaced", 'path.replace("//", "/") != path'),
    ("text.reverse()", "characters in the opposite order", 'path.reverse().startsWith("gnp.")'),
    ("text.split(separator), text.split(separator, most)", "the parts as a list", 'size(path.split("/")) > 6'),
    (
        "text.substring(from), text.substring(from, to)",
        "a part by positions",
        'size(path) > 4 && path.substring(0, 4) == "/api"',
    ),
    ("text.trim()", "without white space at both ends", "path.trim() != path"),
    (
        "text.format(list)",
        "`%s`, `%d`, `%f`, `%.2f`, `%e`, `%x`, `%X`, `%o`, `%b` filled in",
        '"%s:%d".format([dst.ip, dst.port]) == "10.0.0.1:80"',
    ),
    ("list.join(), list.join(separator)", "a list of text as one text", 'dns_questions.join(",").contains("internal")'),
    ("time.getFullYear()", "the year", "timestamp.getFullYear() == 2026"),
    ("time.getMonth()", "0 (January) to 11", "timestamp.getMonth() == 0"),
    ("time.getDate()", "day of the month from 1", "timestamp.getDate() == 31"),
    ("time.getDayOfMonth()", "day of the month from 0", "timestamp.getDayOfMonth() == 30"),
    ("time.getDayOfWeek()", "0 (Sunday) to 6", "timestamp.getDayOfWeek() in [0, 6]"),
    ("time.getDayOfYear()", "from 0", "timestamp.getDayOfYear() == 30"),
    (
        "time.getHours()",
        "0 to 23; of a duration all its hours. All getters take a time zone: a name or an offset",
        'timestamp.getHours("Europe/Berlin") >= 22',
    ),
    ("time.getMinutes()", "0 to 59; of a duration all its minutes", "timestamp.getMinutes() == 0"),
    ("time.getSeconds()", "0 to 59; of a duration all its seconds", 'duration("90s").getSeconds() == 90'),
    ("time.getMilliseconds()", "0 to 999", "timestamp.getMilliseconds() < 100"),
)

MACROS: tuple[Entry, ...] = (
    (
        "items.exists(x, condition)",
        "whether it holds for one or more",
        'dns_questions.exists(q, q.endsWith(".internal"))',
    ),
    (
        "items.all(x, condition)",
        "whether it holds for every one; true for none",
        'dns_answers.all(a, a.startsWith("10."))',
    ),
    (
        "items.exists_one(x, condition)",
        "whether it holds for exactly one",
        'dns_answers.exists_one(a, a.contains(":"))',
    ),
    (
        "items.filter(x, condition)",
        "the list of those for which it holds",
        'size(dns_answers.filter(a, a.startsWith("10."))) > 2',
    ),
    (
        "items.map(x, value), items.map(x, condition, value)",
        "the list of values",
        '"com" in dns_questions.map(q, q.split(".")[0])',
    ),
)

PITFALLS: tuple[Entry, ...] = (
    ("elapsed_time", "is in microseconds: 250 ms is 250000", "elapsed_time > 250000"),
    ("header names", "are in lower case, whatever the wire had", '"content-type" in response.headers'),
    (
        'request.headers["x"]',
        'a missing key is `""`, no error; ask with `in` to tell the two apart',
        '"authorization" in request.headers && request.headers["authorization"] == ""',
    ),
    ("status_code != 200", "holds for entries without a status too: name the protocol", "http && status_code != 200"),
    ("src.ip == network", "an address is text: ask for a network by its beginning", 'src.ip.startsWith("10.244.")'),
    ("src, dst", "client and server of the connection, also in answers", "dst.port == 6379"),
    ("src.name", "pod or service, whichever is known; `src.pod.name` is a pod alone", 'dst.name == "checkout"'),
    ("tcp", "a connection that no dissector reads; a port does not need it", "dst.port == 443"),
)

DIFFERENCES: tuple[str, ...] = (
    "Fields have dots in their names: `src.pod.name` is one name; the longest one wins, what follows selects keys.",
    'A field that is not set has a default; CEL would have an error. A missing key of a field\'s map is `""`.',
    "`map_get` and `now` are functions of KFL; both spellings `exists_one` and `existsOne` are read.",
    "An entry on which a filter has no value (division by zero, overflow, position out of range) is not selected; "
    "as in CEL, `||` and `&&` need only the side that decides.",
    "An int and a double may be compared by order (`<`, `<=`, `>`, `>=`), not by `==`, where only one of a type can "
    "be meant.",
)

LEFT_OUT: tuple[tuple[str, str], ...] = (
    (
        "Messages, enums, wrapper types, `Any` (protocol buffers)",
        "entries are flat and typed; `request.headers.x` and "
        "lists say all that there is, and without messages each field is a column that a database can index.",
    ),
    (
        "Optionals (`a.?b`, `optional.of`, `orValue`)",
        "nothing is absent: fields have defaults and `map_get` takes one.",
    ),
    (
        "`cel.bind`, `cel.block`",
        "a filter is split at `&&` into clauses that are counted one by one; a variable "
        "over several of them would hide which one removed the last entry.",
    ),
    (
        "Macros with two variables, `transformList`, `transformMap`",
        'lists hold text and maps hold text by text; `map.exists(k, map[k] == "x")` says the same.',
    ),
    (
        "The extensions `math`, `base64`, sets, lists, network",
        "no question about traffic needed them yet, and each "
        "function must mean the same in four engines before it is let in.",
    ),
    (
        "Names of the caller (declarations, containers)",
        "the fields of the catalogue are the names there are, so that "
        "every other name can be an error with a suggestion.",
    ),
    ("`dyn` as a way around the checker", "`dyn(x)` is there, but runs row by row: what is not typed has no SQL."),
)

LIMITS: tuple[str, ...] = (
    "A filter has at most {longest:,} characters and {deepest} levels of nesting; `a && b && c` is one level.",
    "A regular expression has at most {pattern:,} characters and is RE2: no look-around, no back references.",
    "Macros end after 50,000 steps an entry, a value that is built after 16 million characters.",
    "What has an exact counterpart runs in the database; the rest is tried on the entries that are left. "
    "`kubeshark-mcp kfl explain` and `explain_kfl` show which is which.",
)
