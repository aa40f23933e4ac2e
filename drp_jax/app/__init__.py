"""The page of `drp-jax app`: photographs and measurements restored in a browser.

`photographs` and `measurements` are what its two parts do, generators that know nothing of a
browser: they yield what is to be shown. They share `runs`, which follows a restoration in a thread
of its own, and `pictures`, which makes arrays into what is looked at. `page`, the two modules whose
names end in `_tab`, and `parts`, which they share, lay it out; they alone import Gradio.
"""
