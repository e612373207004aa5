#!/usr/bin/env bash
# Builds llama.cpp, measures it and asks it, to compare `examples/generate.rs` with it.
#
#   peers/llama.sh build DIR                  llama-bench, llama-batched-bench and llama-simple in DIR (some 15 minutes)
#   peers/llama.sh bench DIR FILE THREADS     tokens a second of reading 512 and of writing 128, and of eight at once
#   peers/llama.sh greedy DIR FILE N PROMPT   the prompt and the N likeliest tokens after it
#
# `peers/llama_greedy.py` compares greedy texts token by token.
# The sources come out of a package of the Python index, so no other network is needed.
# Needs cmake, a C++ compiler and pip.
set -euo pipefail

package=llama-cpp-python
version=0.3.36

here=$(cd "$(dirname "$0")" && pwd)

build() {
    mkdir -p "$1" && cd "$1"
    pip download --no-deps --no-binary "$package" -d . "$package==$version"
    tar xzf llama_cpp_python-"$version".tar.gz
    # Its AMX kernels crash where a virtual machine shows AMX and does not let programs use it.
    export CFLAGS="-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
    export CXXFLAGS=$CFLAGS
    cmake -S llama_cpp_python-"$version"/vendor/llama.cpp -B build -DCMAKE_BUILD_TYPE=Release \
        -DGGML_NATIVE=ON -DBUILD_SHARED_LIBS=OFF -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF \
        -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_SERVER=OFF
    cmake --build build -j "${JOBS:-1}" --target llama-bench llama-batched-bench llama-simple
    scores
}

scores() {
    local source=llama_cpp_python-"$version"/vendor/llama.cpp
    c++ -O2 -o build/llama_scores "$here"/llama_scores.cpp -I"$source"/include -I"$source"/ggml/include \
        build/src/libllama.a build/ggml/src/lib{ggml,ggml-cpu,ggml-base}.a -fopenmp -lpthread -ldl
}

case "${1:-}" in
    build) build "$2" ;;
    bench)
        "$2"/build/bin/llama-bench -m "$3" -t "$4" -p 512 -n 128 -r 3
        "$2"/build/bin/llama-batched-bench -m "$3" -t "$4" -tb "$4" -c 8192 -npp 16 -ntg 128 -npl 1,8
        ;;
    greedy) "$2"/build/bin/llama-simple -m "$3" -n "$4" "$5" 2>/dev/null ;;
    *) sed -n '2,11p' "$0"; exit 2 ;;
esac
