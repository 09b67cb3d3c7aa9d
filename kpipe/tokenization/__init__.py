"""How text becomes numbers and numbers become text: one tokenizer a file, learned on train."""
