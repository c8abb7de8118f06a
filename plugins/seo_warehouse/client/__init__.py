"""The one door to providers: call, retry, limit, budget, archive, redaction, judged addresses."""
