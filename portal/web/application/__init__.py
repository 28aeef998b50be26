"""The four steps of every application: 用户须知, 业务申报, 材料申报, 收件回执单."""
