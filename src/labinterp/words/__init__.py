"""What is said and shown, each thing once: URIs, words for codes, sentences, numbers and the numbering of sources.

Everything here stands beneath the classes and the reasoning, so that every face takes its words from one place.
"""
