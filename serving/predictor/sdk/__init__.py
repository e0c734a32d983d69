"""The KServe SDK's servers around the data plane. Nothing outside this folder imports kserve."""
