"""`check` also reads what the configuration names: templates, the logo, secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfu.__main__ import main

MAIL = '[smtp]\nhost = "127.0.0.1"\nsecurity = "none"\nsender = "a@b.se"\n'
REGION = '[invitations]\nregion = "R"\nhelp_phone = "1"\n'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[invitations]\ntemplates = "{folder}"\n', "/templates/signature.sv.txt: may not hold $patient"),
        ('[branding]\naccent_color = "#ffb020"\n', "branding.accent_color must have a contrast of 4.5:1 with white"),
        ('[branding]\nlogo_file = "{folder}/none.svg"\n', "branding.logo_file: "),
        ('[invitations]\nlogo_file = "{folder}/none.png"\n', "invitations.logo_file: "),
        (
            REGION + MAIL + 'username = "u"\n',
            "smtp.password_file must name a file, or the environment must hold EVISIT_SMTP",
        ),
        ('[turn]\nurls = ["turn:relay.example"]\nsecret_file = "{folder}/none"\n', "turn.secret_file cannot be read"),
        (
            '[[webhooks]]\nid = "care"\nurl = "https://a.example/"\nsecret_file = "{folder}/none"\n',
            'webhooks "care" secret',
        ),
        (
            '[[webhooks]]\nid = "care"\nurl = "https://a.example/"\nsecret_file = "{folder}/signature.sv.txt"\n',
            'the secret of webhooks "care" must be "whsec_" and the base64',
        ),
    ],
)
def test_what_is_missing_or_wrong_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, fault: str
) -> None:
    folder, file = tmp_path / "templates", tmp_path / "evisit.toml"
    folder.mkdir()
    (folder / "signature.sv.txt").write_text("$help_phone $patient")
    file.write_text(text.format(folder=folder))
    assert main(["check", "--config", str(file)]) == 2
    told = capsys.readouterr()
    assert fault in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""


def test_a_whole_configuration_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, secret = tmp_path / "evisit.toml", tmp_path / "secret"
    secret.write_text("whsec_" + "A" * 32)
    file.write_text(
        REGION + MAIL + f'[[webhooks]]\nid = "care"\nurl = "https://a.example/"\nsecret_file = "{secret}"\n'
    )
    assert main(["check", "--config", str(file)]) == 0
    assert capsys.readouterr().out == "The configuration is well.\n"
