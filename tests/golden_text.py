"""Golden answers as a reviewer can read them: one in full, the others as differences from it."""

from __future__ import annotations

import json
import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def compare(name, text):
    """Hold a text against the file under version control; LABINTERP_UPDATE_GOLDEN=1 writes the file anew."""
    path = GOLDEN / name
    if os.environ.get("LABINTERP_UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def difference(full, other):
    """Return what `other` has more (+), less (-) and otherwise (~); both are tables of name → fields.

    What went with the thing that it belongs to is not named again: its name begins with that thing's.
    """
    gone = [name for name in full if name not in other]
    lines = [f"- {name}" for name in gone if not any(name.startswith(f"{whole} ") for whole in gone)]
    for name, fields in other.items():
        known = full.get(name)
        if known is None:
            lines.append(f"+ {name}")
            lines += [f"    {key}: {_text(value)}" for key, value in fields.items() if value not in (None, "", [], ())]
            continue
        keys = [key for key in {**known, **fields} if known.get(key) != fields.get(key)]
        if keys:
            lines.append(f"~ {name}")
            lines += [f"    {key}: {_change(known.get(key), fields.get(key))}" for key in keys]
    return "\n".join(lines) + "\n"


def outline(states, findings):
    """Return an answer as name → fields, in which every state, finding, edge and pathway has a line of its own."""
    table = {f"state {state}": {"status": status} for state, status in states.items()}
    for finding in findings:
        told = {key: value for key, value in finding.items() if key not in {"code", "pathways"}}
        table[f"finding {finding['code']}"] = told
        for pathway in finding["pathways"]:
            told = {key: value for key, value in pathway.items() if key not in {"id", "steps"}}
            told["observations"] = " ".join(step["observation"] for step in pathway["steps"])
            for number, step in enumerate(pathway["steps"], 1):
                edge = {key: value for key, value in step.items() if key not in {"source", "target", "observation"}}
                table[f"finding {finding['code']} edge {step['source']}>{step['target']}"] = edge
                told["explanation"] = told["explanation"].replace(step["statement"], f"({number})")
            table[f"finding {finding['code']} pathway {pathway['id']}"] = told
    return table


def _change(old, new):
    if not (isinstance(old, list | tuple) and isinstance(new, list | tuple)):
        return f"{_text(old)} -> {_text(new)}"
    less, more = [item for item in old if item not in new], [item for item in new if item not in old]
    return "; ".join([f"less {_text(less)}"] * bool(less) + [f"more {_text(more)}"] * bool(more)) or "in another order"


def _text(value):
    return json.dumps(value, ensure_ascii=False)
