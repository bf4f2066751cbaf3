"""Two small portals to try the server with, and to read: a care record and a patient portal that know its public API and nothing else.

They hold invented people and let anybody be any of them. All else is as a real portal has to do it: a key on the server's side alone, who
may what decided before a call, a ticket minted at each click, secrets in a URL's fragment and never in a page, a log or a query.
"""
