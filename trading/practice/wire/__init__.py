"""What every practice venue's server needs: request log, faults, streams, TLS and the CONNECT proxy."""
