"""Sans-IO RTP: packets, reports, sequence numbers, histories. Imports nothing of the project but leaves."""
