"""Writes a config like a real ~/.claude.json: projects with histories, many small strings, nested objects.

Deterministic, so that figures of two runs are of the same text.
"""

import json
import random

WORDS = (
    "please explain why this test fails and fix the parser so that the build is green again then write a short "
    "summary of what changed in src/json/text.rs and add a case for an empty array — see \"notes\" for details"
).split()


def project(number, dice):
    history = []
    for _ in range(dice.randrange(5, 25)):
        text = " ".join(dice.choices(WORDS, k=dice.randrange(4, 40)))
        if dice.random() < 0.2:
            text += "\n```json\n{\"a\": [1, 2, \"\\u00e9\"]}\n```"
        history.append({"display": text, "pastedContents": {}})
    return {
        "allowedTools": [],
        "history": history,
        "mcpContextUris": [],
        "mcpServers": {},
        "enabledMcpjsonServers": [],
        "disabledMcpjsonServers": [],
        "hasTrustDialogAccepted": True,
        "projectOnboardingSeenCount": number % 5,
        "exampleFiles": [f"src/module_{index}.rs" for index in range(5)],
        "lastCost": round(dice.random() * 9, 6),
        "lastAPIDuration": dice.randrange(10**6),
        "lastDuration": dice.randrange(10**8),
        "lastLinesAdded": dice.randrange(999),
        "lastTotalInputTokens": dice.randrange(10**6),
        "lastModelUsage": {"a-model": {"inputTokens": dice.randrange(10**6), "costUSD": dice.random()}},
        "lastSessionId": f"{dice.getrandbits(128):032x}",
    }


def write(path, size):
    """Writes about `size` bytes, project by project, so that a large text is never held."""
    dice = random.Random(size)
    head = {
        "numStartups": 184,
        "installMethod": "global",
        "autoUpdates": True,
        "tipsHistory": {f"tip-{index}": index * 3 for index in range(40)},
        "cachedStatsigGates": {f"gate_{dice.getrandbits(32):08x}": bool(index % 2) for index in range(40)},
        "userID": f"{dice.getrandbits(256):064x}",
        "firstStartTime": "2025-06-11T09:12:44.120Z",
    }
    with open(path, "w", encoding="utf-8") as out:
        out.write(json.dumps(head, indent=2, ensure_ascii=False)[:-2])
        out.write(',\n  "projects": {')
        number = 0
        while number == 0 or out.tell() < size - 3000:
            text = json.dumps(project(number, dice), indent=2, ensure_ascii=False).replace("\n", "\n    ")
            out.write(("," if number else "") + f'\n    "/home/someone/src/project-{number}": {text}')
            number += 1
        out.write('\n  },\n  "hasCompletedOnboarding": true\n}\n')


def template(references):
    """A template with one server for each of the references."""
    servers = {
        f"server-{index}": {
            "type": "stdio",
            "command": "npx",
            "args": ["-y", f"@example/server-{index}"],
            "env": {"API_KEY": f"<< {reference} >>"},
        }
        for index, reference in enumerate(references)
    }
    return json.dumps({"mcpServers": servers}, indent=2)
