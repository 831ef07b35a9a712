"""What people write in place of keystencil: fills NUMBER keys of a JSON file with Python's keyring.

    render_with_python.py NUMBER FILE
"""

import json
import os
import sys

import keyring

number, path = int(sys.argv[1]), sys.argv[2]
with open(path, encoding="utf-8") as file:
    config = json.load(file)
servers = config.setdefault("mcpServers", {})
for index in range(number):
    server = servers.setdefault(f"server-{index}", {"type": "stdio", "command": "npx"})
    server.setdefault("env", {})["API_KEY"] = keyring.get_password(f"bench-{index}", "api-key")
with open(path + ".tmp", "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
    json.dump(config, file, indent=2, ensure_ascii=False)
    file.flush()
    os.fsync(file.fileno())
os.replace(path + ".tmp", path)
