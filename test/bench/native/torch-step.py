"""A training step of the benchmark's decoder by PyTorch on one thread, in milliseconds of processor time, for `docs/log.md`.

pip install torch transformers; python test/bench/native/torch-step.py
"""

import statistics
import time

import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

torch.set_num_threads(1)
BATCH, LENGTH, WARM_UP, STEPS = 8, 128, 3, 15
for name, layers, width, heads, hidden, vocab in [("A: L4 C256 V4096", 4, 256, 4, 768, 4096), ("L3 C96 V256", 3, 96, 4, 256, 256)]:
    sizes = dict(num_hidden_layers=layers, hidden_size=width, num_attention_heads=heads, num_key_value_heads=heads)
    config = Qwen3Config(head_dim=width // heads, intermediate_size=hidden, vocab_size=vocab, tie_word_embeddings=True,
                         max_position_embeddings=LENGTH, use_cache=False, **sizes)
    model = Qwen3ForCausalLM(config).float().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0)
    tokens = torch.randint(vocab, (BATCH, LENGTH + 1))
    times = []
    for _ in range(WARM_UP + STEPS):
        start = time.process_time()
        logits = model(input_ids=tokens[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, vocab), tokens[:, 1:].reshape(-1))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        times.append(1000 * (time.process_time() - start))
    parameters = sum(weight.numel() for weight in model.parameters())
    print(f"{name} B{BATCH} T{LENGTH}: {parameters:,} parameters, {statistics.median(times[WARM_UP:]):.0f} ms of processor time a step")
