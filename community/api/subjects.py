"""What several answers say of a subject."""

from __future__ import annotations

from rest_framework import serializers

from community.models import Subject
from community.services.following import name_of


class SubjectSerializer(serializers.ModelSerializer):
    """What one can follow, hide or hear of. `kind` and `id` name it in `follows/{kind}/{id}`."""

    kind = serializers.SerializerMethodField()
    id = serializers.SerializerMethodField()

    class Meta:
        model = Subject
        fields = ["kind", "id", "title", "address"]

    def get_kind(self, subject: Subject) -> str:
        return name_of(subject)[0]

    def get_id(self, subject: Subject) -> str:
        return name_of(subject)[1]
