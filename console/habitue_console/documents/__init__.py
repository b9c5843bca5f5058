"""What the pages of rules, segments, contents and slots share: `pages` walks, the others each know one thing.

`figures` counts people, `look` is the preview, `effect` what a change would have done, `items` finds items,
`suggestions` what a condition can name, `words` how places and states are called.
"""
