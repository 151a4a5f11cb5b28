"""Where things lie in a checkout. Creates the directories of run-time state, nothing else."""

from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import SetupError

ROOT = Path(__file__).resolve().parents[2]
PROCFILE = ROOT / "deploy" / "Procfile"
FRONTEND = ROOT / "frontend"


@dataclass(frozen=True)
class VarDir:
    """The run-time state of one installation (`var/` unless EUGPT_VAR_DIR says otherwise)."""

    root: Path

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def run(self) -> Path:
        return self.root / "run"

    def create(self) -> None:
        """Make the directories; SetupError when the current user may not write there."""
        try:
            for directory in (self.root, self.log, self.run):
                directory.mkdir(mode=0o755, parents=True, exist_ok=True)
            probe = self.run / ".probe"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise SetupError(
                f"EuGPT cannot write to {self.root} ({error.strerror}): give that folder to the "
                "user who starts EuGPT, or name another one in EUGPT_VAR_DIR."
            ) from error
