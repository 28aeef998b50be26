"""What a hostile file would make of a process: ``memory``, ``time``, ``long``, ``write``; ``leave``
and ``echo`` are harmless."""

import sys
import time

from portal.shared.apart import Limits

LIMITS = Limits(cpu_seconds=1, wall_seconds=30, memory_bytes=1 << 29)

if __name__ == "__main__":
    given = sys.stdin.buffer.read()
    match sys.argv[1]:
        case "memory":
            print(len(b"x" * (1 << 30)))  # noqa: T201
        case "time":
            while True:
                pass
        case "long":
            time.sleep(60)
        case "write":
            with open("hungry.txt", "w") as file:  # noqa: PTH123
                file.write("x")
        case "leave":
            left = vars(sys).setdefault("left_behind", [])
            left.append(1)
            print(len(left), end="")  # noqa: T201
        case _:
            sys.stdout.buffer.write(given[::-1])
