set -eu
until mc ls s3 >/dev/null; do sleep 2; done
mc mb --ignore-existing s3/driftloop s3/mlflow s3/driftloop-production
mc admin policy create s3 driftloop /scripts/policy.json
mc admin user add s3 "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
# To attach a policy twice is an error.
case $(mc admin user info s3 "$AWS_ACCESS_KEY_ID" --json) in
  *'"policyName"'*driftloop*) ;;
  *) mc admin policy attach s3 driftloop --user "$AWS_ACCESS_KEY_ID" ;;
esac
