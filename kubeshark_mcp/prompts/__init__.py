"""Prompts and skills: what an assistant is told about how to investigate. The only door to jinja2.

Takes what is registered and known (tools, mode, data); gives text. May import model and errors. `catalogue` says which
prompts there are, `rendering` fills templates in, `skills` finds the skills that this package carries.
"""

from kubeshark_mcp.prompts.catalogue import PROMPTS, Prompt, PromptArgument
from kubeshark_mcp.prompts.rendering import Situation, prompt_text, render_template
from kubeshark_mcp.prompts.skills import Skill, SkillFile, find_skills, skills_folder

__all__ = [
    "PROMPTS",
    "Prompt",
    "PromptArgument",
    "Situation",
    "Skill",
    "SkillFile",
    "find_skills",
    "prompt_text",
    "render_template",
    "skills_folder",
]
