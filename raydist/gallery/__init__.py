"""The gallery: a served page to pick a tracklet or bring pictures, and to see what looks like them.

Nothing here knows of Ray or of sockets: `site.Site.answer` makes an answer of a request, and
`raydist.distributed.gallery_server` carries both.
"""
