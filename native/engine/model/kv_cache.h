// Keys and values of one conversation: one pair of [capacity, key-value heads * head_dim] buffers a layer.
#pragma once

#include <vector>

#include "engine/model/attention_block.h"

namespace collie {

struct KvCache {
  std::vector<LayerCache> layers;
  int64_t capacity = 0;  // tokens
  int64_t used = 0;      // rows: tokens and the slots before them
  int64_t slots = 0;     // virtual tokens at the beginning
  int64_t tokens() const { return used - slots; }
};

}  // namespace collie
