"""Runs management commands, divided by `--`, one after another; starting Django costs more than
most of them do.

in_one_process.py migrate --no-input -- load_demo -- demo_accounts --output FILE

The last words `--output FILE` of a command send what it prints to that file.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(words: list[str]) -> None:
    sys.path[0] = str(ROOT)
    import django
    from django.core.management import call_command

    django.setup()
    while words:
        end = words.index("--") if "--" in words else len(words)
        command, words = words[:end], words[end + 1 :]
        output = None
        if command[-2:-1] == ["--output"]:
            output = Path(command[-1])
            command = command[:-2]
        print(f"== {' '.join(command)}", flush=True)
        if output is None:
            call_command(*command)
        else:
            with output.open("w", encoding="utf-8") as file:
                call_command(*command, stdout=file)


if __name__ == "__main__":
    main(sys.argv[1:])
