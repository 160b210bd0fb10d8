"""How long clustering and training take, and how much memory; also the usual dense way, and other sizes.

- `clustering`: one clustering of drawn `features`, measured stage by stage (`stages`, `measure`), also the
  `dense` way; `outcomes`: what it gives. Every side runs in a process of its own (`fresh_process`), and CPU
  seconds of all its threads are measured beside seconds on the wall.
- `encoding`: training and extraction of an encoder.
- `rates`: what this machine can do at best; `cost_model` and `scale`: what clustering would cost at other
  sizes.
"""
