"""Drafts: a marketer's document while it is written in a form. Pure.

`shapes` say which fields a document has, `draft` holds what was typed and makes the document of it,
`rows` and `steps` add, move and take away, `when` is the condition's two views, `difference` and `state`
tell versions and times apart.
"""
