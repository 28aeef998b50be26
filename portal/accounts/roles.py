"""The roles of staff, and what each may do in the rooms on the ground floor."""

REVIEWER, COLLECTOR, CERTIFIER, MANAGER = "受理审核", "征缴", "证明", "管理员"

PERMISSIONS: dict[str, tuple[str, ...]] = {
    REVIEWER: (
        "accounts.add_activationcode",
        "accounts.view_activationcode",
        "accounts.view_proposal",
        "accounts.change_proposal",
        "people.add_employer",
        "people.add_person",
        "people.view_*",
        "registers.view_*",
        "watch.*_failure",
    ),
    COLLECTOR: ("people.view_*", "watch.*_failure"),
    CERTIFIER: ("people.view_*", "watch.*_failure"),
    MANAGER: (
        "accounts.view_*",
        # Clerks of the city's employers only (UserAdmin).
        "accounts.add_user",
        "accounts.change_user",
        "accounts.change_proposal",
        "people.view_*",
        "people.add_employer",
        "people.add_person",
        "people.change_person",
        "people.change_employer",
        "people.add_guardianship",
        "people.change_guardianship",
        "registers.view_*",
        "registers.add_householdrecord",
        "registers.change_householdrecord",
        "registers.add_birthrecord",
        "registers.change_birthrecord",
        "registers.add_businessrecord",
        "registers.change_businessrecord",
        "registers.add_bankaccountrecord",
        "registers.change_bankaccountrecord",
        "registers.add_securitycardrecord",
        "registers.change_securitycardrecord",
        "registers.add_medicalaccountrecord",
        "registers.change_medicalaccountrecord",
        "registers.add_pensionrecord",
        "registers.change_pensionrecord",
        "watch.*_failure",
    ),
}
