"""Speed and memory beside peers: `make bench`. Nothing here is imported by the product.

`workloads` makes the files, `contenders` says how each is called, `measure` runs one whole process,
`scenarios` says what is compared, `goals` judges, `report` prints. `profile_load` is for tuning.
"""
