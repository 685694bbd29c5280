# Run inside the image: nothing to set up, the services come with the lab that runs (install-cloud.sh, install-github-api.sh).
true
