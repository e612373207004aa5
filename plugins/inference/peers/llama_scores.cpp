// Prints what llama.cpp finds likeliest, step by step: `llama_scores FILE N`, prompts on the input, one a line.
//
// For each prompt a line `P` and its token ids, then for each step a line `T best score second score`.
// `peers/llama.sh build DIR` builds it; `peers/llama_greedy.py` reads what it prints.

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "llama.h"

static void say_nothing(ggml_log_level, const char *, void *) {}

// The index of the largest score but that of `other`.
static int largest(const float *scores, int n, int other) {
    int best = -1;
    for (int id = 0; id < n; id++) {
        if (id != other && (best < 0 || scores[id] > scores[best])) best = id;
    }
    return best;
}

static bool write_on(llama_model *model, const std::string &prompt, int n_tokens) {
    const llama_vocab *vocab = llama_model_get_vocab(model);
    auto options = llama_context_default_params();
    options.n_ctx = options.n_batch = 512;
    options.n_threads = options.n_threads_batch = 2;
    llama_context *context = llama_init_from_model(model, options);
    std::vector<llama_token> ids(512);
    ids.resize(llama_tokenize(vocab, prompt.data(), prompt.size(), ids.data(), ids.size(), true, true));
    std::printf("P");
    for (llama_token id : ids) std::printf(" %d", id);
    std::printf("\n");
    llama_batch batch = llama_batch_get_one(ids.data(), ids.size());
    llama_token last;
    for (int step = 0; step < n_tokens; step++) {
        if (llama_decode(context, batch)) return false;
        const float *scores = llama_get_logits_ith(context, -1);
        const int n = llama_vocab_n_tokens(vocab);
        last = largest(scores, n, -1);
        const int second = largest(scores, n, last);
        std::printf("T %d %f %d %f\n", last, scores[last], second, scores[second]);
        if (llama_vocab_is_eog(vocab, last)) break;
        batch = llama_batch_get_one(&last, 1);
    }
    llama_free(context);
    return true;
}

int main(int, char **arguments) {
    llama_log_set(say_nothing, nullptr);
    llama_backend_init();
    llama_model *model = llama_model_load_from_file(arguments[1], llama_model_default_params());
    std::string prompt;
    while (std::getline(std::cin, prompt)) {
        if (!write_on(model, prompt, std::atoi(arguments[2]))) return 1;
    }
}
