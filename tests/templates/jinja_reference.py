"""jinja2 set up as Hugging Face's transformers sets it up for chat templates, and our program."""

import datetime
import functools
import json
import subprocess

import jinja2
import jinja2.ext
import jinja2.sandbox


class Generation(jinja2.ext.Extension):
    """{% generation %}: here its body is rendered and nothing else."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        call = self.call_method("_render", [])
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


class Raised(Exception):
    """What raise_exception() raises."""


def raise_exception(message):
    raise Raised(str(message))


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    return env


@functools.lru_cache(maxsize=8)
def compiled(env, template):
    return env.from_string(template)


def reference(env, template, variables, now=None):
    """{"text": ...}, {"raised": ...} or {"error": ...}, as render_lines answers."""
    def strftime_now(form):
        return datetime.datetime.fromisoformat(now).strftime(form)

    try:
        text = compiled(env, template).render(**variables, **({"strftime_now": strftime_now} if now else {}))
        text.encode()
        return {"text": text}
    except Raised as raised:
        return {"raised": str(raised)}
    except Exception as error:  # whatever it is, the template does not give a text
        return {"error": f"{type(error).__name__}: {error}"}


class Program:
    """render_lines, fed one request at a time."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def render(self, template, variables, now=None):
        request = {"template": template, "variables": variables}
        if now:
            request["now"] = now
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the program ended at: {request}")
        return json.loads(line)


def agree(ours, theirs):
    """Equal texts, equal words of raise_exception(), or a refusal of both."""
    if "error" in theirs:
        return "error" in ours
    return ours == theirs
