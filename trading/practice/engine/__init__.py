"""The matching engine: books, accounts, ledger, candles. Pure, exact, without I/O except the journal file."""
