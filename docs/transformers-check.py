"""Compares a model folder in Hugging Face transformers with what the lab says of it (docs/transformers.md)."""
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, expected_file = sys.argv[1:]
expected = json.load(open(expected_file, encoding='utf-8'))
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

# Text from others: what is spelled like a special token stays text.
wrong = [t for t in expected['texts']
         if tokenizer(t['text'], add_special_tokens=False, split_special_tokens=True).input_ids != t['ids']]
# Prompts, whose structure is special tokens.
wrong_prompts = [p for p in expected['prompts'] if tokenizer(p['text']).input_ids != p['ids']]
# One by one, and padded on the left to one batch.
with torch.no_grad():
    gaps = [(model(torch.tensor([p['ids']])).logits[0, -1] - torch.tensor(p['logits'])).abs().max().item()
            for p in expected['prompts']]
    batch = tokenizer([p['text'] for p in expected['prompts']], return_tensors='pt', padding=True)
    together = model(**batch).logits[:, -1] - torch.tensor([p['logits'] for p in expected['prompts']])
    new = model.generate(**batch, max_new_tokens=4)

print(f"{len(expected['texts'])} texts, {len(wrong)} with other ids; {len(prompts := expected['prompts'])} prompts, "
      f"{len(wrong_prompts)} with other ids; logits differ by {max(gaps):.1e} one by one and "
      f"{together.abs().max().item():.1e} in a padded batch; wrote {tokenizer.decode(new[0, batch.input_ids.shape[1]:])}")
sys.exit(1 if wrong or wrong_prompts or max(gaps) > 1e-3 or together.abs().max().item() > 1e-3 else 0)
