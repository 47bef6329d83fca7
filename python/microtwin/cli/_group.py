"""How all commands end: one line for what the user can mend, a code for the shell."""

from typing import Any

import typer
from typer.core import TyperGroup

from microtwin.errors import MicrotwinError

BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


# The order of the work; what is not named here comes after it, as it was added.
ORDER = (
    "run",
    "select",
    "classify",
    "anomaly",
    "segment",
    "describe",
    "anneal",
    "train",
    "sample",
    "screen",
    "transport",
    "compare",
    "contest",
    "batch",
    "serve",
    "info",
)


class Group(TyperGroup):
    """Lists the commands in the order of the work, and turns errors into one line."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands."""
        names = super().list_commands(ctx)
        if ctx.parent is not None:  # those of one command, in the order they were added in
            return names
        return sorted(names, key=lambda name: (*ORDER, name).index(name))

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader of a pipe has gone, `| head` for instance
            raise
        except (MicrotwinError, OSError) as error:
            typer.echo(f"microtwin: {_one_line(error)}", err=True)
            raise typer.Exit(BAD_INPUT) from None
        except MemoryError as error:
            typer.echo(f"microtwin: not enough memory. {_one_line(error)}".rstrip(), err=True)
            raise typer.Exit(BAD_INPUT) from None
        except KeyboardInterrupt:
            command = self.commands.get(ctx.invoked_subcommand or "")
            resumes = command is not None and any(p.name == "resume" for p in command.params)
            hint = "; go on with --resume" if resumes else ""
            typer.echo(f"microtwin: interrupted{hint}", err=True)
            raise typer.Exit(INTERRUPTED) from None


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        file = error.filename2 or error.filename  # of a rename, where it should have gone
        return f"{file}: {error.strerror}" if file else error.strerror
    return " ".join(str(error).split())
