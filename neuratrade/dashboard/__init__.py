"""The web dashboard: one page, live by server-sent events, for looking only. Nothing here changes anything."""
