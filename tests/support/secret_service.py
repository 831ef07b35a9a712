"""A Secret Service that behaves as a test wants: what no real one does on demand.

    secret_service.py BEHAVIOUR FOLDER

It has one item, github/api-key, with a value from standard input, in a locked collection; speaks `plain` sessions only.
BEHAVIOUR is one of

patient    shows a prompt that is over when FOLDER/unlock is there
refusing   the same, and the person says no
strange    answers everything with other types than the protocol has
talkative  answers GetSecrets with an error whose name and text hold the value
"""

import sys
import time
from pathlib import Path

from jeepney import DBusAddress, HeaderFields, MessageType, new_error, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

behaviour, folder, value = sys.argv[1], Path(sys.argv[2]), sys.stdin.buffer.read()
ROOT, SECRET = "/org/freedesktop/secrets", "org.freedesktop.Secret."
COLLECTION = ROOT + "/collection/c"
ITEM, PROMPT, SESSION = COLLECTION + "/1", ROOT + "/prompt/p", ROOT + "/session/s"
locked = behaviour in ("patient", "refusing")

bus = open_dbus_connection("SESSION")
bus.send_and_get_reply(message_bus.RequestName("org.freedesktop.secrets"))
(folder / "ready").touch()


def reply(message, signature=None, *body):
    bus.send(new_method_return(message, signature, body))


while True:
    message = bus.receive()
    if message.header.message_type != MessageType.method_call:
        continue
    member = message.header.fields[HeaderFields.member]
    with open(folder / "calls", "a", encoding="utf-8") as calls:
        calls.write(member + "\n")
    if behaviour == "strange":
        reply(message, "a{sv}", {"Locked": ("u", 7)})
    elif member == "OpenSession" and message.body[0] != "plain":
        bus.send(new_error(message, "org.freedesktop.DBus.Error.NotSupported"))
    elif member == "OpenSession":
        reply(message, "vo", ("s", ""), SESSION)
    elif member == "Get":
        reply(message, "v", ("b", locked))
    elif member == "ReadAlias":
        reply(message, "o", COLLECTION)
    elif member == "SearchItems":
        hit = [ITEM] if message.body[0] == {"service": "github", "username": "api-key"} else []
        reply(message, "aoao", *(([], hit) if locked else (hit, [])))
    elif member == "Unlock":
        reply(message, "aoo", *(([], PROMPT) if locked else (message.body[0], "/")))
    elif member == "Prompt":
        reply(message)
        while not (folder / "unlock").exists():
            time.sleep(0.01)
        locked = dismissed = behaviour == "refusing"
        result = ("ao", [] if dismissed else [ITEM])
        prompt = DBusAddress(PROMPT, interface=SECRET + "Prompt")
        bus.send(new_signal(prompt, "Completed", "bv", (dismissed, result)))
    elif member == "GetSecrets" and behaviour == "talkative":
        text = value.decode()
        bus.send(new_error(message, "org.example." + text, "s", ("the secret is " + text,)))
    elif member == "GetSecrets":
        reply(message, "a{o(oayays)}", {ITEM: (SESSION, b"", value, "text/plain")})
    else:
        bus.send(new_error(message, "org.freedesktop.DBus.Error.UnknownMethod"))
