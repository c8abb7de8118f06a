"""Every failure raised on purpose. The type says what to do next.

SeoWarehouseError
  ConfigError              a setting is missing or wrong: mend properties.yml or the environment
  SourceError              a provider could not be read
    TransientSourceError   the same call may work later: retry
      ThrottledError       the provider asked us to slow down (429, quota 403); has retry_after_seconds
      NotYetError          the answer is still being made: ask again in minutes, not in seconds
      MalformedAnswerError an answer cut short or not in the documented form: retry, then look
    TerminalSourceError    a person is needed: credentials, permissions, a request the provider refuses
      CredentialsError     the provider does not accept who asks: mend the connection that the message names
      NightOverError       a snapshot source was asked for a night that has ended
      NotArchivedError     a replay met a call whose answer the archive does not hold
      RefusedAddressError  a host leads to an address that is not public and was not stated: nothing was sent
      BudgetError          a limit on calls, bytes or money of one load was reached
        DeferredError      a month's budget does not hold the order: it waits, and nothing was bought
  ExportError              a dropped file is refused as a whole: mend it and drop it again
  LogError                 a server's log cannot be read as a whole: the message says what to state or to mend
  ClockError               the clock and the ledger are days apart: look which of them is right
  AuditFailedError         read, but not fit: the load is quarantined
  LoadError                the warehouse could not take or move a batch
    TransientLoadError     a lock was not had in time, a connection was lost: retry
    MigrationError         the database's tables and this release do not fit together: the message says what to do
  BuildError               dbt did not build every model
  EmbeddedError            a component of `make run` could not be started or stopped
  BackupError              a backup could not be written or restored
"""


class SeoWarehouseError(Exception):
    """Base of every error raised on purpose."""


class ConfigError(SeoWarehouseError):
    """A setting is missing or wrong."""


class SourceError(SeoWarehouseError):
    """A provider could not be read."""


class TransientSourceError(SourceError):
    """The same call may work later."""


class ThrottledError(TransientSourceError):
    """The provider asked us to slow down; `retry_after_seconds` is its wish, where it gave one."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NotYetError(TransientSourceError):
    """The answer is still being made."""


class MalformedAnswerError(TransientSourceError):
    """An answer was cut short or is not in the documented form."""


class TerminalSourceError(SourceError):
    """A person is needed: no retry will help."""


class CredentialsError(TerminalSourceError):
    """The provider does not accept who asks: the connection's password, key or account is wrong."""


class NightOverError(TerminalSourceError):
    """A snapshot source was asked for a night that has ended, or answered for another day."""


class NotArchivedError(TerminalSourceError):
    """A replay met a call whose answer the archive does not hold."""


class RefusedAddressError(TerminalSourceError):
    """A host leads to an address that is not public and was not stated; nothing was sent."""


class BudgetError(TerminalSourceError):
    """A limit on calls, bytes or money of one load was reached."""


class DeferredError(BudgetError):
    """A month's budget does not hold the order: it waits for the next month or a larger amount, and is not bought."""


class ExportError(SeoWarehouseError):
    """A dropped file is refused as a whole; the message names the file, the line, the reason and what to do."""


class LogError(SeoWarehouseError):
    """A server's log cannot be read as a whole; the message says what to state or to mend."""


class ClockError(SeoWarehouseError):
    """The clock and the ledger are days apart."""


class AuditFailedError(SeoWarehouseError):
    """A load was read but is not fit for the warehouse."""


class LoadError(SeoWarehouseError):
    """The warehouse could not take or move a batch."""


class TransientLoadError(LoadError):
    """A lock was not had in time or a connection was lost: the same step may work later."""


class MetElsewhereError(TransientLoadError):
    """Another load has given one of the same people an id meanwhile."""


class MigrationError(LoadError):
    """The database's tables and this release do not fit together; the message says what to do."""


class BuildError(SeoWarehouseError):
    """dbt did not build every model."""


class EmbeddedError(SeoWarehouseError):
    """A component of `make run` could not be started or stopped."""


class BackupError(SeoWarehouseError):
    """A backup could not be written or restored."""


RETRIED = (TransientSourceError, TransientLoadError)
"""What may work later, and goes before FINAL, of which a part is of the same family."""
FINAL = (TerminalSourceError, ConfigError, AuditFailedError, ClockError, LoadError)
"""What no retry helps. Anything else (a killed process, a lost connection) is tried again."""


def is_final(error: BaseException) -> bool:
    """Whether no retry of a task that failed so will help: a person is needed."""
    return isinstance(error, FINAL) and not isinstance(error, RETRIED)
