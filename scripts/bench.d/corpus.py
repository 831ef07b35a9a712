"""A folder of planted keys and of false friends, for scanners: what is in it is known, so what they say can be counted.

The keys are of the forms in the rule lists of ripsecrets and detect-secrets as well as of others, in the places where
people have them; nothing is made by keystencil's own table. Each planted key stands in a line of its own, and so does each
false friend. The same seed makes the same corpus.
"""

import base64
import json
import os
import random
import string
import uuid
import zlib

HEX = "0123456789abcdef"
LOWER = string.ascii_lowercase + string.digits
ALNUM = string.ascii_letters + string.digits
URL = ALNUM + "-_"
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def some(chance, alphabet, length):
    return "".join(chance.choice(alphabet) for _ in range(length))


def checked(chance, prefix):
    """GitHub's and npm's: six digits of checksum."""
    body, number, digits = some(chance, ALNUM, 30), 0, ""
    number = zlib.crc32(body.encode())
    while number:
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return prefix + body + digits.rjust(6, "0")


def jwt(chance):
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    return ".".join([part({"alg": "HS256", "typ": "JWT"}), part({"sub": some(chance, LOWER, 12), "iat": 1_700_000_000}), some(chance, URL, 43)])


def discord(chance):
    number = base64.b64encode(str(chance.randrange(10**17, 10**18)).encode()).decode().rstrip("=")
    return f"{number}.{some(chance, ALNUM, 6)}.{some(chance, URL, 27)}"


def bech32(chance):
    """An age identity."""
    digits, human = "qpzry9x8gf2tvdw0s3jn54khce6mua7l", "age-secret-key-"
    data = [chance.randrange(32) for _ in range(51)] + [0]
    state = 1
    for value in [ord(c) >> 5 for c in human] + [0] + [ord(c) & 31 for c in human] + data + [0] * 6:
        top, state = state >> 25, (state & 0x1FFFFFF) << 5 ^ value
        for bit, part in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= part if top >> bit & 1 else 0
    data += [(state ^ 1) >> 5 * (5 - place) & 31 for place in range(6)]
    return (human + "1" + "".join(digits[value] for value in data)).upper()


# What a key looks like, and the name it usually goes by. `r` is the rule list of ripsecrets, `d` that of detect-secrets.
KEYS = [
    ("GITHUB_TOKEN", lambda c: checked(c, c.choice(["ghp_", "gho_", "ghs_", "ghu_"]))),  # r d
    ("NPM_TOKEN", lambda c: checked(c, "npm_")),  # r
    ("GITLAB_TOKEN", lambda c: "glpat-" + some(c, URL, 20)),  # r d
    ("STRIPE_SECRET_KEY", lambda c: c.choice(["sk", "rk"]) + "_live_" + some(c, ALNUM, 24)),  # r d
    ("SQUARE_SECRET", lambda c: "sq0csp-" + some(c, URL, 43)),  # r d
    ("SLACK_BOT_TOKEN", lambda c: f"xoxb-{c.randrange(10**11, 10**12)}-{c.randrange(10**12, 10**13)}-" + some(c, LOWER, 24)),  # r d
    ("SLACK_WEBHOOK", lambda c: f"https://hooks.slack.com/services/T{some(c, BASE62[:36], 8)}/B{some(c, BASE62[:36], 8)}/{some(c, ALNUM, 24)}"),  # r d
    ("SENDGRID_API_KEY", lambda c: f"SG.{some(c, URL, 22)}.{some(c, URL, 43)}"),  # r d
    ("TWILIO_API_KEY", lambda c: "SK" + some(c, HEX, 32)),  # r d
    ("MAILCHIMP_API_KEY", lambda c: some(c, HEX, 32) + "-us" + str(c.randrange(1, 22))),  # r d
    ("GOOGLE_API_KEY", lambda c: "AIzaSy" + some(c, URL, 33)),  # r
    ("AZURE_STORAGE", lambda c: "AccountKey=" + base64.b64encode(c.randbytes(64)).decode()),  # r d
    ("SESSION_JWT", jwt),  # r d
    ("AGE_KEY", bech32),  # r
    ("INTRA_SECRET", lambda c: "s-s4t2ud-" + some(c, HEX, 64)),  # r
    ("DATABASE_URL", lambda c: f"postgres://app:{some(c, ALNUM, 16)}@db{c.randrange(99)}.internal:5432/main"),  # r d
    ("AWS_ACCESS_KEY_ID", lambda c: "AKIA" + some(c, string.ascii_uppercase + "234567", 16)),  # d
    ("AWS_SECRET_ACCESS_KEY", lambda c: some(c, ALNUM + "/+", 40)),  # d
    ("DISCORD_TOKEN", discord),  # d
    ("TELEGRAM_BOT_TOKEN", lambda c: f"{c.randrange(10**9, 10**10)}:AA" + some(c, URL, 33)),  # d
    ("PYPI_TOKEN", lambda c: "pypi-AgEIcHlwaS5vcmc" + some(c, URL, 120)),  # d
    ("OPENAI_API_KEY", lambda c: "sk-" + some(c, ALNUM, 20) + "T3BlbkFJ" + some(c, ALNUM, 20)),  # d
    ("OPENAI_API_KEY", lambda c: "sk-proj-" + some(c, URL, 74) + "T3BlbkFJ" + some(c, URL, 74)),
    ("ANTHROPIC_API_KEY", lambda c: "sk-ant-api03-" + some(c, URL, 93) + "AA"),
    ("GROQ_API_KEY", lambda c: "gsk_" + some(c, ALNUM, 52)),
    ("HF_TOKEN", lambda c: "hf_" + some(c, string.ascii_letters, 34)),
    ("OPENROUTER_API_KEY", lambda c: "sk-or-v1-" + some(c, HEX, 64)),
    ("PERPLEXITY_API_KEY", lambda c: "pplx-" + some(c, ALNUM, 48)),
    ("REPLICATE_API_TOKEN", lambda c: "r8_" + some(c, ALNUM, 37)),
    ("TAVILY_API_KEY", lambda c: "tvly-" + some(c, ALNUM, 32)),
    ("NOTION_TOKEN", lambda c: "ntn_" + some(c, string.digits, 11) + some(c, ALNUM, 35)),
    ("LINEAR_API_KEY", lambda c: "lin_api_" + some(c, ALNUM, 40)),
    ("DIGITALOCEAN_TOKEN", lambda c: "dop_v1_" + some(c, HEX, 64)),
    ("SHOPIFY_TOKEN", lambda c: "shpat_" + some(c, HEX, 32)),
    ("MISTRAL_API_KEY", lambda c: some(c, ALNUM, 32)),
    ("COHERE_API_KEY", lambda c: some(c, ALNUM, 40)),
    ("INTERNAL_API_KEY", lambda c: some(c, HEX, 32)),
    ("SERVICE_TOKEN", lambda c: some(c, ALNUM, c.choice([20, 24, 32, 48]))),
    ("CLIENT_SECRET", lambda c: some(c, URL, 40)),
    ("DB_PASSWORD", lambda c: some(c, ALNUM + "!#%*+", 16)),
]

# How it stands there. `X` is the name, `camel` the same as programs write it, `V` the key.
PLACES = [
    ("env", "{X}={V}"),
    ("env", "export {X}='{V}'"),
    ("env", '{X}="{V}"'),
    ("json", '  "{X}": "{V}",'),
    ("json", '  "{camel}": "{V}",'),
    ("json", '      "env": {{ "{X}": "{V}" }},'),
    ("yaml", "  {low}: {V}"),
    ("yaml", '  {low}: "{V}"'),
    ("toml", '{low} = "{V}"'),
    ("py", '    {low} = "{V}"'),
    ("py", "    os.environ['{X}'] = '{V}'"),
    ("js", "const {camel} = '{V}';"),
    ("js", '  {camel}: "{V}",'),
    ("go", '\t{camel} := "{V}"'),
    ("rb", "  {low}: '{V}',"),
    ("md", "Set `{X}={V}` before you start."),
    ("sh", "{X}={V} ./run --fast"),
]


def harmless(chance):
    """A false friend: its kind of file and its line."""
    c = chance
    camel = c.choice(["requestId", "traceId", "buildHash", "etag", "cacheKey", "assetName", "objectId"])
    model = c.choice(["claude-sonnet-4-5-20250929", "gpt-4o-mini-2024-07-18", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "text-embedding-3-large"])
    holder = c.choice(["your-api-key-here", "<your-token>", "${API_TOKEN}", "xxxxxxxxxxxxxxxxxxxxxxxx", "sk-xxxxxxxxxxxxxxxxxxxxxxxx", "changeme", "REPLACE_ME_WITH_YOUR_KEY", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "AKIAIOSFODNN7EXAMPLE"])
    return c.choice([
        lambda: ("json", f'  "{camel}": "{uuid.UUID(bytes=c.randbytes(16))}",'),
        lambda: ("json", f'  "{camel}": "{some(c, HEX, 40)}",'),
        lambda: ("yaml", f"  commit: {some(c, HEX, 40)}"),
        lambda: ("md", f"Fixed in {some(c, HEX, 40)} (see #{c.randrange(999)})."),
        lambda: ("lock", f'      "integrity": "sha512-{base64.b64encode(c.randbytes(64)).decode()}"'),
        lambda: ("lock", f'checksum = "{some(c, HEX, 64)}"'),
        lambda: ("lock", f"    --hash=sha256:{some(c, HEX, 64)}"),
        lambda: ("html", f'<img src="data:image/png;base64,{base64.b64encode(c.randbytes(300)).decode()}">'),
        lambda: ("js", "!function(e,t){" + ";".join(f"var {some(c, string.ascii_letters, 2)}=e.{some(c, string.ascii_lowercase, 6)}({c.randrange(999)})" for _ in range(20)) + "}();"),
        lambda: ("py", f'    api_key = os.environ["{c.choice(["OPENAI_API_KEY", "GITHUB_TOKEN", "DB_PASSWORD"])}"]'),
        lambda: ("js", f"  const token = await getAccessToken(session.{some(c, string.ascii_lowercase, 8)});"),
        lambda: ("js", f"  apiKey: process.env.{c.choice(['OPENAI_API_KEY', 'STRIPE_SECRET_KEY'])},"),
        lambda: ("env", f"API_KEY={holder}"),
        lambda: ("json", f'  "api_key": "{holder}",'),
        lambda: ("yaml", f"  model: {model}"),
        lambda: ("json", f'  "model": "{model}", "max_tokens": {c.randrange(100000)},'),
        lambda: ("yaml", f"  key_file: /etc/ssl/private/{some(c, string.ascii_lowercase, 8)}.pem"),
        lambda: ("yaml", "  token_url: https://auth.example.com/oauth/token"),
        lambda: ("json", '  "keybindings": "ctrl+shift+alt+underscore",'),
        lambda: ("toml", f'password_file = "/run/secrets/{some(c, string.ascii_lowercase, 6)}_password"'),
        lambda: ("json", '  "token": "<< keyring(\'openai\') >>",'),
        lambda: ("py", "    secret_name = 'projects/production/secrets/database-password'"),
        lambda: ("yaml", "  secretName: production-database-credentials"),
        lambda: ("js", "  primaryKey: 'organization_membership_identifier',"),
        lambda: ("js", "  const tokenizer = new GPTTokenizerEncodingForChat('cl100k_base');"),
        lambda: ("md", "Connect with postgres://user:password@localhost:5432/mydb."),
        lambda: ("py", '    public_key = "ssh-ed25519 ' + base64.b64encode(c.randbytes(51)).decode() + '"'),
        lambda: ("env", f"MAX_TOKENS={c.randrange(10**12, 10**13)}"),
    ])()


WORDS = "the of config server value return function import class while request response handler index update module error buffer stream parse render target".split()


def filler(chance):
    return " ".join(chance.choice(WORDS) for _ in range(chance.randrange(3, 14)))


def make(folder, planted=2000, friends=4000, lines=0, seed=1):
    """Writes the corpus; two sets of (file, line): of the planted keys, and of everything else that is no plain text."""
    chance = random.Random(seed)
    files, keys, others = {}, set(), set()

    def put(extension, line, marks):
        name = f"{chance.randrange(12)}/{chance.choice('abcdefgh')}.{extension}"
        text = files.setdefault(name, [])
        text.append(line)
        if marks is not None:
            marks.add((name, len(text)))

    for number in range(max(planted, friends, lines)):
        if number < planted:
            name, value = KEYS[number % len(KEYS)]
            extension, place = chance.choice(PLACES)
            first, *rest = name.lower().split("_")
            camel = first + "".join(part.capitalize() for part in rest)
            put(extension, place.format(X=name, low=name.lower(), camel=camel, V=value(chance)), keys)
        if number < friends:
            put(*harmless(chance), others)
        if number < lines:
            put(chance.choice(["txt", "py", "js", "md"]), filler(chance), None)
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(text) + "\n")
    return keys, others
