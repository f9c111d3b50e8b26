"""What each rule says, to people: one English sentence a rule, with named places for its parameters.

The sentences are marked for translation. A site translates the template and fills it with the finding's `params`; the
kernel itself fills the English one. `LEVELS` holds how grave each fact about a file's form is.
"""

from __future__ import annotations

from registry.pickles.levels import Verdict


def gettext_noop(text: str) -> str:
    """Marks a sentence for the extraction of translations; changes nothing."""
    return text


_ = gettext_noop
BLOCKED, CHECK, UNREADABLE = Verdict.BLOCKED, Verdict.CHECK, Verdict.UNREADABLE

# Rules about imported names. Their level comes from the name lists.
NAME_TEMPLATES: dict[str, str] = {
    "import_known_danger": _("Loading imports %(subject)s. %(why)s."),
    "import_standard_library": _(
        "Loading imports %(subject)s, a part of Python itself that no model needs. Many such parts can run programs."
    ),
    "import_sibling": _(
        "Loading imports %(subject)s, which is not among the few names of that module that model files use."
    ),
    "import_special_name": _(
        "Loading imports %(subject)s. Names with double underscores reach Python's inner workings."
    ),
    "import_through_module": _("Loading imports %(subject)s, a name that reaches through another module."),
    "import_dangerous_name": _("Loading imports %(subject)s, which by its name runs code or programs."),
    "import_not_ascii": _("Loading imports %(subject)s, a name with unusual letters that may pose as another."),
    "import_unusual": _("Loading imports %(subject)s. %(why)s"),
    "import_unknown": _("Loading imports %(subject)s, which is not known. It may be harmless; someone has to look."),
    "import_malformed": _("Loading imports %(subject)s, which is not a proper name."),
    "call_blocked": _("Loading calls %(subject)s with %(preview)s."),
    "call_unusual": _("Loading calls %(subject)s. Nobody has vouched for what that does."),
    "call_of_constant": _("Loading calls %(subject)s, which a model file may only mention."),
    "call_old_style": _("Loading calls %(subject)s by an opcode that no program has written for twenty years."),
    "call_through": _("Loading has %(subject)s call another function: %(argument)s."),
    "codec_not_text": _("Loading uses the codec %(argument)s, which can build hidden names or fill the memory."),
    "state_blocked": _("Loading gives state to an object of %(subject)s, which runs its code."),
    "state_unusual": _("Loading gives state to an object of %(subject)s. Nobody has vouched for what that does."),
    "state_not_taken": _("Loading gives state to what %(subject)s made, which takes none in an honest file."),
    "items_blocked": _("Loading fills an object of %(subject)s, which runs its code."),
    "items_unusual": _("Loading fills an object of %(subject)s as if it were a %(argument)s."),
}

# Facts about the form of a file: level and sentence.
FACTS: dict[str, tuple[Verdict, str]] = {
    # what the machine reports
    "call_of_result": (
        BLOCKED,
        _("Loading calls what another call returned (%(subject)s); what runs cannot be known."),
    ),
    "call_of_value": (BLOCKED, _("Loading calls something that is not a function.")),
    "computed_name": (BLOCKED, _("Loading imports a name that is put together only while loading.")),
    "extension_registry": (
        BLOCKED,
        _("Loading takes an import from the extension registry (number %(number)s), which this file does not contain."),
    ),
    "build_on_import": (BLOCKED, _("Loading changes %(subject)s itself, for the whole program that loads the file.")),
    "build_on_value": (BLOCKED, _("Loading gives state to a plain value, which no honest file does.")),
    "build_special_attribute": (BLOCKED, _("Loading sets the special attribute %(attribute)s of an object.")),
    "build_state_computed": (CHECK, _("Loading gives an object state that is put together only while loading.")),
    "items_on_value": (BLOCKED, _("Loading fills something that is not a list, dictionary or set.")),
    "items_on_wrong_container": (CHECK, _("Loading fills a %(have)s as if it were a %(want)s.")),
    "hash_bomb": (CHECK, _("A key of a dictionary is nested so that loading would take very long.")),
    "huge_allocation": (CHECK, _("Loading calls %(subject)s with a number so large that memory would run out.")),
    "persistent_outside_torch": (CHECK, _("The file refers to data outside itself, which only torch files do.")),
    "persistent_computed": (BLOCKED, _("The file refers to data outside itself by an object instead of a name.")),
    "persistent_module": (CHECK, _("The file carries program source in torch's old form.")),
    "persistent_odd": (CHECK, _("The file refers to tensor data in a way that torch does not.")),
    "out_of_band_buffer": (CHECK, _("The file refers to buffers that it does not contain.")),
    "proto_not_first": (CHECK, _("A pickle names its protocol in the middle instead of at its beginning.")),
    "frame_inside_frame": (BLOCKED, _("A frame begins inside another; programs disagree on what such a file says.")),
    "opcode_straddles_frame": (
        BLOCKED,
        _("An instruction crosses the end of its frame; programs disagree on what such a file says."),
    ),
    "stop_inside_frame": (BLOCKED, _("The pickle ends inside a frame; programs disagree on what follows.")),
    "frame_past_end": (UNREADABLE, _("A frame claims %(length)s bytes, more than there are.")),
    "noncanonical_number": (
        BLOCKED,
        _("A number is spelled in a way that no program writes and that programs read differently."),
    ),
    "noncanonical_index": (UNREADABLE, _("A reference to an earlier value is not a number.")),
    "string_not_ascii": (
        CHECK,
        _("An old-style string holds bytes whose meaning depends on the program that loads it."),
    ),
    "pickle_truncated": (UNREADABLE, _("The pickle ends in the middle. The file may be an incomplete download.")),
    "pickle_underflow": (UNREADABLE, _("The pickle takes a value that is not there.")),
    "no_mark": (UNREADABLE, _("The pickle closes a group that it did not open.")),
    "memo_missing": (UNREADABLE, _("The pickle refers to a value (%(index)s) that it did not store.")),
    "length_past_end": (UNREADABLE, _("The pickle claims a value of %(length)s bytes, more than there are.")),
    "negative_length": (UNREADABLE, _("The pickle claims a value of negative length.")),
    "unknown_opcode": (UNREADABLE, _("The pickle holds an instruction (%(byte)s) that does not exist.")),
    "protocol_unknown": (UNREADABLE, _("The pickle is of protocol %(protocol)s, which does not exist.")),
    "bad_utf8": (UNREADABLE, _("The pickle holds text that is not valid.")),
    "bad_name": (UNREADABLE, _("The pickle imports a name that is not valid text.")),
    "bad_string": (UNREADABLE, _("The pickle holds an old-style string that is not quoted properly.")),
    "odd_dict": (UNREADABLE, _("The pickle fills a dictionary with a key that has no value.")),
    "memo_index_absurd": (BLOCKED, _("The pickle stores a value under the number %(index)s, to fill the memory.")),
    "memo_bomb": (BLOCKED, _("The pickle stores so many values that memory would run out.")),
    "opcode_bomb": (BLOCKED, _("The pickle holds more than ten million instructions. No model does.")),
    "stack_bomb": (BLOCKED, _("The pickle piles up millions of values. No model does.")),
    "too_many_imports": (BLOCKED, _("The pickle does more than twenty thousand different things. No model does.")),
    "mark_bomb": (BLOCKED, _("The pickle nests hundreds of thousands of groups. No model does.")),
    "line_too_long": (BLOCKED, _("The pickle holds a text line of more than a megabyte. No model does.")),
    "too_slow": (UNREADABLE, _("The file took too long to look through.")),
    # what follows or surrounds a pickle
    "trailing_bytes": (UNREADABLE, _("%(count)s bytes follow the end at %(position)s that are not part of the model.")),
    "trailing_pickle": (CHECK, _("Another pickle follows the end of the model.")),
    "legacy_incomplete": (UNREADABLE, _("The old-style torch file ends before its tensors do.")),
    "legacy_count_differs": (
        CHECK,
        _("A tensor's data claim %(stored)s elements where the file promised %(promised)s."),
    ),
    "legacy_storages_unknown": (
        UNREADABLE,
        _("The old-style torch file does not say how its tensor data are laid out."),
    ),
    "storage_missing": (UNREADABLE, _("The data of tensor storage %(key)s are missing. The file is incomplete.")),
    "storage_too_small": (UNREADABLE, _("The data of tensor storage %(key)s are cut short. The file is incomplete.")),
    # containers
    "nested_too_deep": (UNREADABLE, _("Archives are packed inside archives more than %(levels)s levels deep.")),
    "limit_reached": (
        UNREADABLE,
        _("Only the first %(bytes)s bytes of %(what)s were unpacked; the rest was not looked at."),
    ),
    "decompression_bomb": (BLOCKED, _("%(what)s unpacks to far more than its size, to fill memory or disk.")),
    "compressed_broken": (UNREADABLE, _("The compressed data cannot be unpacked. The file may be damaged.")),
    "archive_not_accepted": (UNREADABLE, _("This is a %(kind)s archive, a type that is not accepted.")),
    "zip_broken": (UNREADABLE, _("The zip archive's directory cannot be read: %(what)s.")),
    "zip_two_directories": (
        BLOCKED,
        _("The archive has two directories; different programs would see different contents."),
    ),
    "zip_sizes_differ": (CHECK, _("The archive's end records contradict each other (%(what)s).")),
    "zip_second_archive": (CHECK, _("Another archive is hidden inside this one's end.")),
    "zip_bytes_before": (CHECK, _("%(count)s bytes stand before the archive's first member.")),
    "zip_bytes_between": (CHECK, _("%(count)s bytes at %(position)s belong to no member of the archive.")),
    "zip_bytes_after": (CHECK, _("%(count)s bytes follow the end of the archive.")),
    "zip_too_many_members": (UNREADABLE, _("The archive claims %(count)s members, too many to look at.")),
    "zip_member_broken": (UNREADABLE, _("The member %(member)s of the archive cannot be read: %(what)s.")),
    "zip_name_differs": (CHECK, _("A member is called %(member)s in the directory and %(local)s in its own header.")),
    "zip_header_differs": (CHECK, _("The directory and the header of %(member)s disagree on its %(what)s.")),
    "zip_crc_wrong": (CHECK, _("The checksum of this member does not match its content.")),
    "zip_encrypted": (UNREADABLE, _("The member %(member)s is encrypted and cannot be looked at.")),
    "zip_patched": (UNREADABLE, _("The member %(member)s is marked as a patch, which no program writes.")),
    "zip_method_unknown": (
        UNREADABLE,
        _("The member %(member)s is packed by a method (%(method)s) that is not accepted."),
    ),
    "zip_duplicate": (CHECK, _("The archive holds %(member)s more than once; programs differ on which one they take.")),
    "zip_unsafe_path": (BLOCKED, _("The member %(member)s would be unpacked outside its folder.")),
    "zip_symlink": (CHECK, _("The member %(member)s is a link to another place.")),
    "zip_overlap": (BLOCKED, _("Members of the archive lie over each other.")),
    "zip_bomb": (BLOCKED, _("The archive claims to unpack to %(total)s bytes.")),
    "tar_broken": (UNREADABLE, _("The tar archive cannot be read further: %(what)s.")),
    "tar_link": (CHECK, _("The member %(member)s is a link to another place.")),
    "tar_device": (CHECK, _("The member %(member)s is a device or another special file.")),
    "tar_unsafe_path": (BLOCKED, _("The member %(member)s would be unpacked outside its folder.")),
    "tar_too_many_members": (UNREADABLE, _("The archive holds too many members to look at.")),
    "torchscript": (CHECK, _("The archive holds a TorchScript program (%(script)s), which runs when it is used.")),
    "npy_broken": (UNREADABLE, _("The numpy array's header cannot be read: %(what)s.")),
    "npy_truncated": (UNREADABLE, _("The numpy array ends before its data do.")),
    "keras_lambda": (CHECK, _("The Keras model holds a %(layer)s layer, which can carry program code.")),
    "keras_unreadable": (UNREADABLE, _("The Keras model's description cannot be read.")),
    "onnx_external_path": (CHECK, _("The ONNX model takes data from a file outside its folder: %(path)s.")),
    "onnx_broken": (UNREADABLE, _("The ONNX model cannot be read.")),
    "gguf_broken": (UNREADABLE, _("The GGUF file cannot be read: %(what)s")),
    "gguf_template_code": (
        CHECK,
        _("The chat template in %(key)s reaches for Python's inner workings (%(what)s)."),
    ),
    "safetensors_broken": (UNREADABLE, _("The safetensors header is not right: %(what)s")),
    # files that are no models
    "empty_file": (UNREADABLE, _("The file is empty. The upload or an earlier download probably failed.")),
    "html_page": (
        UNREADABLE,
        _("This is a web page, probably a sign-in page that was saved instead of the file."),
    ),
    "executable": (UNREADABLE, _("This is a program (%(kind)s), not a model.")),
    "hdf5_not_accepted": (UNREADABLE, _("This is an HDF5 file. Such models are not accepted here.")),
    "unknown_content": (UNREADABLE, _("The content is of no known type, so nothing can be said about it.")),
    "picture_trailing_bytes": (CHECK, _("%(count)s bytes follow the end of the picture.")),
    "picture_broken": (UNREADABLE, _("The picture cannot be read to its end.")),
    "read_failed": (UNREADABLE, _("The file could not be read: %(what)s.")),
}

# Their rule ends in the reader's own reason for the refusal.
REASONED = ("safetensors_broken", "gguf_broken")

TEMPLATES: dict[str, str] = {**NAME_TEMPLATES, **{code: text for code, (_level, text) in FACTS.items()}}


def template_of(rule: str) -> str:
    """The sentence of a rule, also of those that carry a reader's reason, like `safetensors_duplicate_name`."""
    family = f"{rule.partition('_')[0]}_broken"
    return TEMPLATES.get(rule) or (TEMPLATES[family] if family in REASONED else rule)


# One sentence for the whole file.
SUMMARIES: dict[Verdict, str] = {
    Verdict.SAFE: _("Loading this file runs nothing but what a model needs."),
    Verdict.CHECK: _("Loading this file does something unusual. Someone has to look at it first."),
    Verdict.BLOCKED: _("Loading this file would run code that no model needs. It is not served."),
    Verdict.UNREADABLE: _("This file could not be looked at fully, so nothing can be said for it."),
}
