"""A report as a page for people: self-contained HTML without scripts, with number lines drawn as SVG.

`html` needs the extra `report` (jinja2); `svg` needs nothing. Nothing clinical is decided here.
"""
