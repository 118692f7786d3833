"""Trains a model folder of the lab for two steps each of SFT and GRPO with TRL, on the CPU (docs/transformers.md)."""
import json
import sys
import tempfile

from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

folder, expected_file = sys.argv[1:]
prompts = [p['text'] for p in json.load(open(expected_file, encoding='utf-8'))['prompts']][:8]
tokenizer = AutoTokenizer.from_pretrained(folder)
common = {'max_steps': 2, 'per_device_train_batch_size': 8, 'report_to': 'none', 'use_cpu': True, 'bf16': False,
          'logging_steps': 1, 'disable_tqdm': True, 'save_strategy': 'no'}


LABELS = tokenizer.convert_tokens_to_ids([f'<|label:4:{label}|>' for label in range(4)])


def label_reward(completion_ids, **_):
    # By ids, because TRL decodes completions without special tokens, and labels are such. Any reward with a spread does.
    return [LABELS.index(ids[0]) + len(set(ids)) / 100 if ids[0] in LABELS else -1.0 for ids in completion_ids]


def losses(trainer):
    trainer.train()
    return [round(entry['loss'], 4) for entry in trainer.state.log_history if 'loss' in entry]


with tempfile.TemporaryDirectory() as out:
    sft = SFTTrainer(AutoModelForCausalLM.from_pretrained(folder), SFTConfig(out, **common), processing_class=tokenizer,
                     train_dataset=Dataset.from_dict({'prompt': prompts, 'completion': ['<|label:4:3|>'] * len(prompts)}))
    print('SFT losses', losses(sft))
    config = GRPOConfig(out, num_generations=8, max_completion_length=12, beta=0.0, temperature=3.0, **common)
    grpo = GRPOTrainer(AutoModelForCausalLM.from_pretrained(folder), reward_funcs=label_reward, args=config,
                       processing_class=tokenizer, train_dataset=Dataset.from_dict({'prompt': prompts}))
    print('GRPO losses', losses(grpo))
    grpo.save_model(out)
    again = AutoModelForCausalLM.from_pretrained(out)
    print('saved and read back:', sum(p.numel() for p in again.parameters()), 'parameters')
